//! Health: whether something that is done again and again works.

use tracing::{info, warn};

use crate::error::DutyError;

/// A failure, and whose it is.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) duty: &'static str,
    pub(crate) error: DutyError,
}

/// Logs a failure once, when it begins, and the recovery once, however long it lasts.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// What fails, since it was logged.
    failing: Option<&'static str>,
}

impl Health {
    pub(crate) fn note(&mut self, result: Result<(), Failed>) {
        match result {
            Err(Failed { duty, error }) => {
                if self.failing.is_none() {
                    warn!(
                        duty,
                        error = &error as &dyn std::error::Error,
                        "fails, and is tried again"
                    );
                }
                self.failing = self.failing.or(Some(duty));
            }
            Ok(()) => {
                if let Some(duty) = self.failing.take() {
                    info!(duty, "works again");
                }
            }
        }
    }
}
