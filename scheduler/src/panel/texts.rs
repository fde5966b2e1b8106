//! Texts: everything that a page says, by its meaning, in each language. Both files are part of the program.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A language of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Spanish,
}

/// A text, or one for one thing and one for any other number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Counted { one: String, other: String },
}

type Texts = HashMap<String, Text>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("texts/en.json")));
static SPANISH: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("texts/es.json")));

#[expect(
    clippy::expect_used,
    reason = "the files are part of the program, and a test reads them"
)]
fn parse(text: &str) -> Texts {
    serde_json::from_str(text).expect("the texts are JSON")
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Spanish];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    pub(super) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The first language of a header `Accept-Language` that there is; browsers put the preferred one first.
    pub(super) fn accepted(header: &str) -> Option<Self> {
        header
            .split(',')
            .find_map(|one| Self::of_code(one.trim().get(..2)?))
    }

    fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
        }
    }

    /// The text of this meaning. That there is one, a test sees to.
    pub(super) fn text(self, key: &str) -> &'static str {
        match self.texts().get(key) {
            Some(Text::Plain(text) | Text::Counted { other: text, .. }) => text,
            None => "?",
        }
    }

    /// The text for so many.
    pub(super) fn counted(self, key: &str, many: u64) -> &'static str {
        match self.texts().get(key) {
            Some(Text::Counted { one, .. }) if many == 1 => one,
            _ => self.text(key),
        }
    }

    /// The text of a word of the API, such as a state; the word itself where it is a new one.
    pub(super) fn word<'a>(self, kind: &str, word: &'a str) -> &'a str {
        match self.texts().get(&format!("{kind}.{word}")) {
            Some(Text::Plain(text)) => text,
            _ => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use ledgerfleet_ledger::{RefreshOutcome, Scope};
    use ledgerfleet_model::{ConnectionState, FailureKind, QuarantineReason, RunState, Segmenting};

    use super::*;
    use crate::http::problem::Cause;

    fn keys(language: Language) -> BTreeSet<&'static str> {
        language.texts().keys().map(String::as_str).collect()
    }

    /// The sources and templates of the panel.
    fn sources(kind: &str) -> Vec<(String, String)> {
        fn under(folder: &Path, kind: &str, found: &mut Vec<(String, String)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    under(&path, kind, found);
                } else if path.extension().is_some_and(|extension| extension == kind) {
                    found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        under(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/panel"),
            kind,
            &mut found,
        );
        found
    }

    /// Words of the API that are shown, by the kind of their texts.
    fn words() -> Vec<(&'static str, Vec<&'static str>)> {
        vec![
            (
                "run_state",
                RunState::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            (
                "connection_state",
                ConnectionState::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            (
                "reason",
                FailureKind::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            ("cause", Cause::ALL.iter().map(|word| word.as_str()).collect()),
            ("scope", Scope::ALL.iter().map(|word| word.as_str()).collect()),
            (
                "segmenting",
                Segmenting::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            ("cell", vec!["n", "e", "d", "u", "p", "r", "h", "c", "b", "x"]),
            ("health", vec!["healthy", "degraded", "unhealthy"]),
            (
                "refresh",
                RefreshOutcome::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            ("steer", vec!["pause", "resume", "cancel"]),
            ("outcome", vec!["later", "retry", "dead", "crash"]),
            ("live", vec!["here", "gone", "unservable", "unstorable"]),
            ("found", vec!["green", "yellow", "red"]),
            ("verification", vec!["running", "done", "failed", "broken_off"]),
            (
                "quarantined",
                QuarantineReason::ALL.iter().map(|word| word.as_str()).collect(),
            ),
            (
                "sync_state",
                vec![
                    "in sync",
                    "first sync",
                    "failing",
                    "off",
                    "paused",
                    "needs_reauthorisation",
                    "removed",
                ],
            ),
            ("theme", vec!["light", "dark", "system"]),
        ]
    }

    #[test]
    fn each_text_is_there_in_both_languages_and_has_the_same_holes() {
        assert_eq!(keys(Language::English), keys(Language::Spanish));
        let holes = |text: &Text| -> BTreeSet<String> {
            let (Text::Plain(text) | Text::Counted { other: text, .. }) = text;
            text.split('{')
                .skip(1)
                .filter_map(|hole| Some(hole.split_once('}')?.0.to_owned()))
                .collect()
        };
        for (key, text) in Language::English.texts() {
            assert_eq!(holes(text), holes(&Language::Spanish.texts()[key]), "{key}");
        }
    }

    #[test]
    fn every_word_of_the_api_has_a_text_and_no_text_is_left_over() {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for (kind, words) in words() {
            for word in words {
                let key = format!("{kind}.{word}");
                assert!(keys(Language::English).contains(key.as_str()), "no text of {key}");
                wanted.insert(key);
            }
        }
        let code: Vec<(String, String)> = [sources("rs"), sources("html")].concat();
        for key in keys(Language::English) {
            let is_said = code.iter().any(|(_, text)| text.contains(&format!("\"{key}\"")));
            assert!(wanted.contains(key) || is_said, "{key} is said nowhere");
        }
    }

    #[test]
    fn whatever_a_template_says_is_in_the_texts() {
        for (path, text) in sources("html") {
            for part in ["s.t(\"", "s.n(\"", "s.a(\""]
                .iter()
                .flat_map(|call| text.split(call).skip(1))
            {
                let (key, _) = part.split_once('"').unwrap();
                assert!(keys(Language::English).contains(key), "{path}: no text of {key}");
            }
            let said = outside(&outside(&text, "{", "}"), "<", ">");
            let letters: String = said
                .chars()
                .filter(|sign| sign.is_alphabetic() || sign.is_whitespace())
                .collect();
            assert_eq!(
                letters.split_whitespace().collect::<Vec<_>>(),
                Vec::<&str>::new(),
                "{path}"
            );
            for named in ["aria-label=", "placeholder=", "title=", "alt="] {
                for part in text.split(named).skip(1) {
                    assert!(
                        part.starts_with("\"{{"),
                        "{path}: {named}{}",
                        &part[..20.min(part.len())]
                    );
                }
            }
        }
    }

    /// What is left of a text when everything between these is taken out. Templates have `{{ }}` and `{% %}` alone.
    fn outside(text: &str, opens: &str, closes: &str) -> String {
        let (mut left, mut depth) = (String::new(), 0_u32);
        for sign in text.chars() {
            if opens.contains(sign) {
                depth += 1;
            } else if closes.contains(sign) {
                depth = depth.saturating_sub(1);
            } else if depth == 0 {
                left.push(sign);
            }
        }
        left.replace("&nbsp;", " ")
    }
}
