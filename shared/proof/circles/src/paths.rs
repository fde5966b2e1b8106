//! Paths: what a file imports, re-exports and names.

use std::collections::HashSet;

use crate::source::Token;

/// A path as it is written, such as `super::a::B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Its segments.
    pub(crate) segments: Vec<String>,
    /// The name that it is known by here; none of a `*`.
    pub(crate) name: Option<String>,
    /// Where it stands.
    pub(crate) line: usize,
}

/// All paths of a file.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// What it uses: imports, and paths in its code.
    pub(crate) used: Vec<Written>,
    /// What it re-exports.
    pub(crate) shown: Vec<Written>,
    /// The files that it declares as its modules.
    pub(crate) modules: Vec<String>,
    /// What it defines itself.
    pub(crate) defined: HashSet<String>,
}

/// Words behind which a name is defined.
const DEFINING: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "union",
    "macro_rules",
];

/// Reads the paths of a file.
pub(crate) fn paths(tokens: &[Token]) -> Paths {
    let mut paths = Paths::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        if token.is("use") && !next.is_some_and(|next| next.is("<")) {
            let mut reader = Reader { tokens, at: at + 1 };
            let mut found = Vec::new();
            reader.tree(&[], &mut found);
            let shows = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1].is(")"));
            if shows { &mut paths.shown } else { &mut paths.used }.extend(found);
            at = reader.at;
            continue;
        }
        if token.is("mod") && tokens.get(at + 2).is_some_and(|end| end.is(";")) {
            paths.modules.extend(next.map(|name| name.text.clone()));
        }
        if DEFINING.contains(&token.text.as_str()) {
            let name = tokens[at + 1..].iter().find(|name| name.is_name());
            paths.defined.extend(name.map(|name| name.text.clone()));
        }
        let behind = |signs: &[&str]| {
            let before = at.checked_sub(signs.len()).map(|from| &tokens[from..at]);
            before.is_some_and(|before| before.iter().zip(signs).all(|(token, sign)| token.is(sign)))
        };
        // `pub(in …)` says who may see, and uses nothing.
        let is_first = !(behind(&["::"]) || behind(&["."]) || behind(&["pub", "(", "in"]));
        if is_first && token.is_name() && next.is_some_and(|next| next.is("::")) {
            let written = in_code(tokens, at);
            at += 2 * written.segments.len() - 1;
            paths.used.push(written);
            continue;
        }
        at += 1;
    }
    paths
}

/// A path within code: names with `::` between them.
fn in_code(tokens: &[Token], mut at: usize) -> Written {
    let line = tokens[at].line;
    let mut segments = vec![tokens[at].text.clone()];
    while tokens.get(at + 1).is_some_and(|sign| sign.is("::"))
        && tokens.get(at + 2).is_some_and(Token::is_name)
    {
        at += 2;
        segments.push(tokens[at].text.clone());
    }
    Written {
        name: segments.last().cloned(),
        segments,
        line,
    }
}

/// Reads the tree behind `use`.
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn tree(&mut self, before: &[String], found: &mut Vec<Written>) {
        let mut segments = before.to_vec();
        while let Some(token) = self.tokens.get(self.at) {
            let line = token.line;
            self.at += 1;
            match token.text.as_str() {
                "{" => return self.group(&segments, found),
                "*" => {
                    found.push(Written {
                        segments,
                        name: None,
                        line,
                    });
                    return;
                }
                "::" => {}
                _ => {
                    segments.push(token.text.clone());
                    if !self.tokens.get(self.at).is_some_and(|next| next.is("::")) {
                        found.push(self.leaf(segments, line));
                        return;
                    }
                }
            }
        }
    }

    fn group(&mut self, before: &[String], found: &mut Vec<Written>) {
        while let Some(token) = self.tokens.get(self.at) {
            if token.is("}") {
                self.at += 1;
                return;
            }
            if token.is(",") {
                self.at += 1;
                continue;
            }
            self.tree(before, found);
        }
    }

    fn leaf(&mut self, mut segments: Vec<String>, line: usize) -> Written {
        let mut name = segments.last().cloned();
        if self.tokens.get(self.at).is_some_and(|next| next.is("as")) {
            name = self.tokens.get(self.at + 1).map(|alias| alias.text.clone());
            self.at += 2;
        }
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
            name = segments.last().cloned();
        }
        Written { segments, name, line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tokens;

    #[test]
    fn imports_groups_aliases_and_paths_in_code_are_found() {
        let text =
            "mod child; pub(crate) use child::Shown; use crate::a::{self, B, c::{D as E, f}}; use super::*;
                    pub(in crate::k) fn g() -> impl Sized + use<> { child::h::<u8>(crate::i::J::new(), x.y::<u8>()); for _ in crate::l::all() {} }";
        let found = paths(&tokens(text));
        let texts = |written: &[Written]| -> Vec<String> {
            written.iter().map(|one| one.segments.join("::")).collect()
        };
        assert_eq!(found.modules, ["child"]);
        assert_eq!(texts(&found.shown), ["child::Shown"]);
        assert_eq!(
            texts(&found.used),
            [
                "crate::a",
                "crate::a::B",
                "crate::a::c::D",
                "crate::a::c::f",
                "super",
                "child::h",
                "crate::i::J::new",
                "crate::l::all"
            ]
        );
        assert!(found.defined.contains("g"));
    }
}
