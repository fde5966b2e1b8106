use ledgerfleet_model::Failure;
use ledgerfleet_vault::VaultError;

use super::*;

fn code(error: impl Error + Send + Sync + 'static) -> u8 {
    explain(anyhow::Error::new(error).context("while testing").as_ref())
        .unwrap()
        .exit
        .code()
}

#[test]
fn every_kind_of_error_has_its_code() {
    assert_eq!(code(ConfigError::HalfAShape(String::new())), 2);
    assert_eq!(code(LedgerError::NewerVersion { found: 9, known: 1 }), 1);
    assert_eq!(code(LedgerError::Foreign(String::new())), 1);
    assert_eq!(code(LedgerError::Unavailable(String::new(), None)), 5);
    assert_eq!(code(RunnerLockError::Held { pid: None }), 7);
    assert_eq!(code(AccessError::NeedsReauthorisation(String::new())), 4);
    assert_eq!(code(AccessError::WrongKeys(String::new())), 4);
    let other_key = VaultError::WrongKey {
        sealed_with: "0".to_owned(),
        here: "1".to_owned(),
    };
    assert_eq!(code(AccessError::Sealed(other_key)), 2);
    assert_eq!(code(AccessError::Sealed(VaultError::Refused)), 4);
    assert_eq!(code(AccessError::Unreachable(String::new())), 5);
    assert_eq!(code(Unreachable(String::new())), 5);
    assert_eq!(code(std::io::Error::other("x")), 1);
    {
        use crate::running::runner::RunnerError;
        let work = |error| code(RunnerError::Work(error));
        assert_eq!(work(worker::WorkerError::WrongMasterKey(String::new())), 2);
        assert_eq!(work(worker::WorkerError::Runtime(String::new())), 1);
    }
}

#[test]
fn every_kind_of_refusal_has_its_code() {
    use FailureKind as Kind;
    let refusal = |kind| code(VerifyError::Source(Failure::new(kind, "while testing")));
    let table: [(u8, &[FailureKind]); 3] = [
        // The connection needs a person: a new consent, other rights, another environment or realm.
        (
            4,
            &[
                Kind::Unauthorised,
                Kind::NeedsReauthorisation,
                Kind::WrongAppKeys,
                Kind::Forbidden,
            ],
        ),
        // It throttles for too long, itself or by the gate that this has closed; a store is away; the company's API is
        // away, or something else answers in its place.
        (
            5,
            &[
                Kind::Throttled,
                Kind::GateBusy,
                Kind::WaitedTooLong,
                Kind::LedgerUnavailable,
                Kind::CoordinationUnavailable,
                Kind::LockBusy,
                Kind::Network,
                Kind::Timeout,
                Kind::UpstreamError,
                Kind::Truncated,
                Kind::UnexpectedContent,
            ],
        ),
        // Nothing that waiting or a person at the company could help.
        (
            1,
            &[Kind::NotInPlan, Kind::Unstable, Kind::TooLarge, Kind::BadRequest],
        ),
    ];
    for (expected, kinds) in table {
        for kind in kinds {
            assert_eq!(refusal(*kind), expected, "{kind}");
        }
    }
    assert_eq!(
        code(VerifyError::Stored(LedgerError::Unavailable(String::new(), None))),
        5
    );
    assert_eq!(
        code(VerifyError::Stored(LedgerError::NotMigrated {
            found: Some(1),
            known: 2
        })),
        1
    );
}

#[test]
fn a_known_cause_is_told_and_not_what_wraps_it() {
    let wrapped = WiringError::Ledger(LedgerError::NewerVersion { found: 9, known: 1 });
    let problem = explain(&wrapped).unwrap();
    assert!(problem.what.contains("schema version 9"), "{}", problem.what);
}

#[test]
fn a_cause_that_is_repeated_is_told_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("the file: cannot be opened")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("cannot be opened")]
    struct Inner;
    let error = anyhow::Error::from(Outer(Inner)).context("no ledger");
    assert_eq!(causes(error.as_ref()).unwrap(), "the file: cannot be opened");
}

#[test]
fn a_reader_that_went_away_is_no_problem() {
    let error = std::io::Error::from(ErrorKind::BrokenPipe);
    assert!(explain(&error).is_none());
}
