//! Exit: the code a command ends with.

mod explain;
mod problem;

use std::process::ExitCode;

use ledgerfleet_model::FailureKind;
use ledgerfleet_process::Signal;

pub(crate) use explain::{APP_KEYS, explain, explained};
pub(crate) use problem::Problem;

/// How a command ended. The numbers are relied upon by scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything that was asked for is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// It was asked for in a way that cannot be done.
    Usage = 2,
    /// It finished, with dead segments.
    DeadSegments = 3,
    /// A connection needs a person: re-authorisation, or other keys, realm or environment.
    NeedsAuthorisation = 4,
    /// Something it depends on is down, read-only or full.
    DependencyDown = 5,
    /// The call budget of the month is used up.
    BudgetExhausted = 6,
    /// Another process runs the segments of this file.
    AnotherRunner = 7,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The one of several that says what to do first: 4, then 6, 5, 3, 1. Done if there is none.
    pub(crate) fn most_telling(all: impl IntoIterator<Item = Self>) -> Self {
        const ORDER: [Exit; 5] = [
            Exit::NeedsAuthorisation,
            Exit::BudgetExhausted,
            Exit::DependencyDown,
            Exit::DeadSegments,
            Exit::Failed,
        ];
        let all: Vec<Self> = all.into_iter().collect();
        let first = ORDER.into_iter().find(|exit| all.contains(exit));
        first
            .or_else(|| all.into_iter().find(|exit| *exit != Self::Done))
            .unwrap_or(Self::Done)
    }

    /// The code for what a company, or something on the way to it, refuses for good. Exhaustive, so that a new kind is
    /// given its code here.
    pub(crate) fn of_refusal(kind: FailureKind) -> Self {
        use FailureKind as Kind;
        match kind {
            Kind::Unauthorised | Kind::NeedsReauthorisation | Kind::WrongAppKeys | Kind::Forbidden => {
                Self::NeedsAuthorisation
            }
            Kind::Throttled
            | Kind::GateBusy
            | Kind::LockBusy
            | Kind::Braked
            | Kind::WaitedTooLong
            | Kind::LedgerUnavailable
            | Kind::CoordinationUnavailable
            | Kind::Network
            | Kind::Timeout
            | Kind::UpstreamError
            | Kind::Truncated
            | Kind::UnexpectedContent
            | Kind::UpstreamChanged => Self::DependencyDown,
            Kind::Budget => Self::BudgetExhausted,
            Kind::WrongMasterKey => Self::Usage,
            Kind::Shutdown
            | Kind::Panicked
            | Kind::Stalled
            | Kind::LedgerRefused
            | Kind::NotInPlan
            | Kind::BadRequest
            | Kind::NotFound
            | Kind::Malformed
            | Kind::TooLarge
            | Kind::Unservable
            | Kind::Unstable
            | Kind::CrashLoop
            | Kind::NoProgress => Self::Failed,
        }
    }

    /// The code of a process that a signal has ended.
    pub(crate) fn of(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::Terminate => Self::Terminated,
        }
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_codes_the_one_that_says_what_to_do_first_counts() {
        use Exit::{DeadSegments, DependencyDown, Done, Failed, NeedsAuthorisation};
        assert_eq!(
            Exit::most_telling([Failed, DeadSegments, NeedsAuthorisation]),
            NeedsAuthorisation
        );
        assert_eq!(Exit::most_telling([DeadSegments, DependencyDown]), DependencyDown);
        assert_eq!(
            Exit::most_telling([DependencyDown, Exit::BudgetExhausted]),
            Exit::BudgetExhausted
        );
        assert_eq!(Exit::most_telling([Failed, DeadSegments]), DeadSegments);
        assert_eq!(Exit::most_telling([Done]), Done);
        assert_eq!(Exit::most_telling([Exit::Interrupted]), Exit::Interrupted);
        assert_eq!(Exit::most_telling([]), Done);
    }
}
