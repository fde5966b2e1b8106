//! How what `doctor` has looked at is shown.

use serde::Serialize;

use crate::exit::Exit;
use crate::output::Row;

/// One thing that was looked at.
#[derive(Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    what: String,
    result: &'static str,
    pub(crate) detail: String,
    pub(crate) next: String,
    /// The code that it asks the whole command to end with.
    #[serde(skip)]
    pub(crate) exit: Option<Exit>,
}

impl Check {
    pub(crate) fn is_good(&self) -> bool {
        self.result == "ok"
    }

    pub(crate) fn good(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: check.into(),
            result: "ok",
            detail: detail.into(),
            next: String::new(),
            exit: None,
        }
    }

    pub(crate) fn doubtful(
        check: impl Into<String>,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            what: check.into(),
            result: "warning",
            detail: detail.into(),
            next: next.into(),
            exit: None,
        }
    }

    pub(crate) fn bad(check: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: check.into(),
            result: "failed",
            detail: detail.into(),
            next: next.into(),
            exit: None,
        }
    }

    /// A command is not cut, so it goes on below.
    fn detail_and_next(&self) -> String {
        if self.next.is_empty() {
            self.detail.clone()
        } else {
            format!("{}\ntry: {}", self.detail, self.next)
        }
    }

    pub(crate) fn ending(self, exit: Exit) -> Self {
        Self {
            exit: Some(exit),
            ..self
        }
    }
}

impl Row for Check {
    const COLUMNS: &'static [&'static str] = &["check", "result", "detail"];
    const TEXTS: &'static [&'static str] = &["detail"];
    const WRAPS: bool = true;

    fn cells(&self) -> Vec<String> {
        vec![self.what.clone(), self.result.to_owned(), self.detail_and_next()]
    }
}
