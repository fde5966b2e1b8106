//! Visit: who looks at a page, how they want it, and what they have sent.

use axum::http::StatusCode;
use url::form_urlencoded;

use super::inside::Trouble;
use super::texts::Language;
use crate::http::keys::Caller;
use crate::http::sessions::Session;

/// Light, dark, or as the system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// Who looks at a page.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// None at the door alone.
    pub(super) caller: Option<Caller>,
    pub(super) session: Option<Session>,
    pub(super) language: Language,
    pub(super) theme: Theme,
    /// Path and query.
    pub(super) place: String,
    /// What a form of this page sends.
    pub(super) proof: String,
    /// Whether a browser asks this machine by its own name.
    pub(super) is_here: bool,
}

impl Visit {
    /// Who looks, where somebody has to be known.
    pub(super) fn caller(&self) -> Result<&Caller, Trouble> {
        let missing = || Trouble::new(StatusCode::UNAUTHORIZED, "unauthenticated", String::new());
        self.caller.as_ref().ok_or_else(missing)
    }
}

/// A form that came from a page of the panel.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Vec<(String, String)>);

impl Sent {
    /// The last value of this name, if it says anything.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// All values of this name.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let of_name = self.0.iter().filter(|(known, _)| known == name);
        of_name
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// What a query or a form says.
    pub(super) fn of_query(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// What was filled in.
    pub(super) fn of_form(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }
}
