//! The lexer: a statement's words, strings, numbers and signs.

use super::QueryError;

/// One token and where it begins, for error messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// The column, from 1.
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A reserved word, a name or a bare value: letters, digits, `_`, `.`, `-`, `+`, `:`.
    Word(String),
    /// A quoted string without its quotes and escapes.
    Text(String),
    /// `=`, `!=`, `<`, `>`, `<=`, `>=`.
    Operator(&'static str),
    Comma,
    Open,
    Close,
    Star,
}

pub(super) fn tokens(statement: &str) -> Result<Vec<Token>, QueryError> {
    let mut rest = statement.chars().zip(1..).peekable();
    let mut found = Vec::new();
    while let Some((character, column)) = rest.next() {
        let mut follows = |wanted: char| rest.next_if(|(next, _)| *next == wanted).is_some();
        let kind = match character {
            space if space.is_whitespace() => continue,
            ',' => TokenKind::Comma,
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '*' => TokenKind::Star,
            '=' => TokenKind::Operator("="),
            '!' if follows('=') => TokenKind::Operator("!="),
            '<' => TokenKind::Operator(if follows('=') { "<=" } else { "<" }),
            '>' => TokenKind::Operator(if follows('=') { ">=" } else { ">" }),
            '\'' => TokenKind::Text(quoted(&mut rest, column)?),
            other if is_word(other) => {
                let mut word = String::from(other);
                while let Some((next, _)) = rest.next_if(|(next, _)| is_word(*next)) {
                    word.push(next);
                }
                TokenKind::Word(word)
            }
            other => return Err(lexical(&other.to_string(), column)),
        };
        found.push(Token { kind, column });
    }
    Ok(found)
}

/// The rest of a string up to its closing quote; a backslash takes the next character as it is.
fn quoted(rest: &mut impl Iterator<Item = (char, usize)>, opened: usize) -> Result<String, QueryError> {
    let mut text = String::new();
    while let Some((character, _)) = rest.next() {
        match character {
            '\'' => return Ok(text),
            '\\' => text.extend(rest.next().map(|(escaped, _)| escaped)),
            other => text.push(other),
        }
    }
    Err(lexical("<EOF>", opened))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | '+' | ':')
}

fn lexical(found: &str, column: usize) -> QueryError {
    QueryError::Parse(format!(
        "Lexical error at line 1, column {column}.  Encountered: \"{found}\""
    ))
}
