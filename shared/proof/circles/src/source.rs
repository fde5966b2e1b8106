//! Source: a file as words, without comments, literals and tests.

/// A word or a sign, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(crate) fn is_name(&self) -> bool {
        self.text
            .starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// The tokens of a file that count: names, and signs of one character but for `::`.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    without_tests(&scan(text))
}

fn scan(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let began = at;
        at = end_of_token(&chars, at);
        let token: String = chars[began..at].iter().collect();
        if counts(&token) {
            tokens.push(Token { text: token, line });
        }
        line += chars[began..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Spaces, comments and literals do not.
fn counts(token: &str) -> bool {
    let literal = token.starts_with(['"', '\'']) || token.ends_with('"') || token.ends_with("\"#");
    !(literal || token.starts_with("//") || token.starts_with("/*") || token.trim().is_empty())
}

/// Where the token that begins here ends.
fn end_of_token(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let begins = |sign: &str| sign.chars().enumerate().all(|(i, c)| rest.get(i) == Some(&c));
    if begins("//") {
        return at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
    }
    if begins("/*") {
        return after(chars, at + 2, "*/");
    }
    if begins("::") {
        return at + 2;
    }
    if begins("'") {
        return end_of_quote(chars, at);
    }
    let name = rest
        .iter()
        .take_while(|c| c.is_alphanumeric() || **c == '_')
        .count();
    let prefix: String = rest[..name].iter().collect();
    if name == 0 || ["r", "b", "br", "c", "cr"].contains(&prefix.as_str()) {
        let hashes = rest[name..].iter().take_while(|c| **c == '#').count();
        if rest.get(name + hashes) == Some(&'"') {
            let is_raw = prefix.contains('r');
            return end_of_text(chars, at + name + hashes + 1, hashes, is_raw);
        }
    }
    at + name.max(1)
}

fn after(chars: &[char], from: usize, sign: &str) -> usize {
    let sign: Vec<char> = sign.chars().collect();
    let found = chars[from.min(chars.len())..]
        .windows(sign.len())
        .position(|window| window == sign);
    found.map_or(chars.len(), |found| from + found + sign.len())
}

/// A character or a lifetime.
fn end_of_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => after(chars, at + 3, "'"),
        (_, Some('\'')) => at + 3,
        _ => at + 1,
    }
}

fn end_of_text(chars: &[char], mut at: usize, hashes: usize, is_raw: bool) -> usize {
    if is_raw {
        return after(chars, at, &format!("\"{}", "#".repeat(hashes)));
    }
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Leaves out whatever stands behind an attribute that names `test`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let attribute = end_of_attribute(tokens, at);
        let Some(end) = attribute else {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        };
        let words = &tokens[at..end];
        at = if words.iter().any(|word| word.is("cfg")) && words.iter().any(|word| word.is("test")) {
            end_of_item(tokens, end)
        } else {
            end
        };
    }
    kept
}

/// Where the attribute that begins here ends, if one does.
fn end_of_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let begins = tokens.get(at)?.is("#") && tokens.get(at + 1)?.is("[");
    begins.then(|| end_of_block(tokens, at + 1))
}

/// Where the item ends that begins here, its own attributes included: behind its `;`, or its block.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.is(";") {
            return at + 1;
        }
        if token.is("{") {
            return end_of_block(tokens, at);
        }
        at = if token.is("(") || token.is("[") {
            end_of_block(tokens, at)
        } else {
            at + 1
        };
    }
    at
}

/// Behind the bracket that closes the one here.
pub(crate) fn end_of_block(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_literals_and_tests_do_not_count() {
        let text = r##"
            // use crate::a;
            /* use crate::b; */
            const TEXT: &str = "use crate::c \" ;"; const RAW: &str = r#"crate::d"#;
            fn f<'a>(c: char) -> &'a str { if c == '"' { g('\'') } }
            #[cfg(test)]
            mod tests { use crate::e; fn g() {} }
            #[cfg(test)]
            use crate::f;
            use crate::g;
        "##;
        let words: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
        let text = words.join(" ");
        assert!(text.ends_with("use crate :: g ;"), "{text}");
        assert_eq!(text.matches("crate").count(), 1, "{text}");
    }
}
