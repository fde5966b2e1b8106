//! Stopped: how an attempt ended otherwise than done.

use std::any::Any;

use ledgerfleet_connectors::scrub::Scrubber;
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::{Failure, FailureKind};
use tracing::error;

/// How an attempt ended otherwise than done.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The segment is not ours any more; nothing may be written.
    Fenced,
    /// It did not finish.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    /// That an entity is not in the company's plan is believed as the first word on a window, where the reading ends it
    /// (`Reading::finish_without_rows`). Whatever says so anywhere else, a count or a look-up, contradicts what was read.
    fn from(failure: Failure) -> Self {
        Self::Failed(match failure.kind {
            FailureKind::NotInPlan => Failure {
                kind: FailureKind::UnexpectedContent,
                message: format!("it is not in the company's plan, and was: {}", failure.message),
                ..failure
            },
            _ => failure,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "its callers are `map_err`")]
pub(crate) fn ledger_failure(error: LedgerError) -> Failure {
    failure_of(&error)
}

/// What an attempt fails with where the ledger fails so.
pub(crate) fn failure_of(error: &LedgerError) -> Failure {
    let kind = if error.is_databases_fault() {
        FailureKind::LedgerUnavailable
    } else {
        FailureKind::LedgerRefused
    };
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::new(kind, format!("{error}{cause}"))
}

/// Characters of the message of a panic that are kept.
const LONGEST_PANIC: usize = 300;

/// The failure of an attempt that panicked. A message may hold anything that the program had in its hands.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Stopped {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    let text = Scrubber::default().clean(&text, LONGEST_PANIC);
    error!(panic = text, "an attempt panicked");
    Failure::new(FailureKind::Panicked, format!("the attempt panicked: {text}")).into()
}
