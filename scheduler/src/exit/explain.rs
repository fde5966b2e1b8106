//! Explain: the one place that turns errors into what is told of them, and into codes.

use std::error::Error;
use std::io::ErrorKind;

use ledgerfleet_access::AccessError;
use ledgerfleet_config::ConfigError;
use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_ledger::sqlite::BackupError;
use ledgerfleet_model::FailureKind;
use ledgerfleet_model::window::InvalidRange;
use ledgerfleet_planning::{PlanError, SelectionError};
use ledgerfleet_telemetry::logs::LogError;
use ledgerfleet_verification::VerifyError;
use ledgerfleet_wiring::{KeyFileError, RunnerLockError, WiringError};
use worker::WorkerError;

use super::{Exit, Problem};

/// What to do where the upstream does not take the keys of the app.
pub(crate) const APP_KEYS: &str = "check LEDGERFLEET_QUICKBOOKS_CLIENT_ID and LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET: they must be the keys of the app, \
     for the environment (sandbox or production) that the refresh token was made in; then: scheduler connection test";

/// What to do where the master key is not the one that was sealed with.
const MASTER_KEY: &str =
    "give LEDGERFLEET_MASTER_KEY, or put back the key file, that this database was used with";

/// What to do where Redis does not answer, or refuses.
const NO_REDIS: &str =
    "check that Redis answers at LEDGERFLEET_REDIS_URL and admits this user: scheduler doctor";

/// What to tell of a user of Postgres who lacks rights, and what to do.
const FORBIDDEN: &str = "the database does not allow this user what the ledger does";
const GRANT: &str = "give LEDGERFLEET_DATABASE_URL the user that ran `scheduler migrate`, or grant this one usage of the \
                     schemas, and all rights on the tables, that it made";

/// What to tell of an error, and the code it ends with. None if there is nothing to tell: whoever read our output
/// has enough of it.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<Problem> {
    let is_closed_pipe = |cause: &(dyn Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    let known = chain(error).find_map(|cause| Some((cause, known(cause)?)));
    // Below the error of a database it is that one's connection that broke, and no reader of ours has gone.
    let is_ours = known
        .as_ref()
        .is_none_or(|(cause, _)| cause.downcast_ref::<std::io::Error>().is_some());
    if is_ours && chain(error).any(is_closed_pipe) {
        return None;
    }
    Some(match known {
        Some((cause, problem)) => {
            let why = problem.why.clone().or_else(|| causes(cause));
            Problem { why, ..problem }
        }
        None => Problem {
            exit: Exit::Failed,
            what: error.to_string(),
            why: causes(error),
            next: "run it again with -v; if it fails again, report it with the output".to_owned(),
        },
    })
}

/// The same where no output is written whose reader may have enough: there is always something to tell.
pub(crate) fn explained(error: &anyhow::Error) -> Problem {
    explain(error.as_ref())
        .unwrap_or_else(|| Problem::new(Exit::Failed, error.to_string(), "scheduler doctor"))
}

/// An error and the causes below it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The causes below an error as one sentence, from the outside in. Some libraries repeat a cause in the text of what it caused; it is told once.
fn causes(error: &(dyn Error + 'static)) -> Option<String> {
    let mut causes: Vec<String> = Vec::new();
    for cause in chain(error).skip(1).map(ToString::to_string) {
        if !causes.last().is_some_and(|last| last.contains(&cause)) {
            causes.push(cause);
        }
    }
    (!causes.is_empty()).then(|| causes.join(": "))
}

fn known(error: &(dyn Error + 'static)) -> Option<Problem> {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return Some(problem.clone());
    }
    if error
        .downcast_ref::<LedgerError>()
        .is_some_and(LedgerError::is_forbidden)
    {
        return Some(Problem::new(Exit::DependencyDown, FORBIDDEN, GRANT));
    }
    if let Some(error) = error.downcast_ref::<SelectionError>() {
        return of_selection(error);
    }
    if let Some(PlanError::Selection(error)) = error.downcast_ref::<PlanError>() {
        return of_selection(error);
    }
    let (exit, next) = if let Some(error) = error.downcast_ref::<ConfigError>() {
        (Exit::Usage, error.advice())
    } else if let Some(error) = error.downcast_ref::<LedgerError>() {
        of_ledger(error)
    } else if let Some(error) = error.downcast_ref::<BackupError>() {
        of_backup(error)?
    } else if let Some(error) = error.downcast_ref::<RunnerLockError>() {
        of_runner_lock(error)
    } else if let Some(error) = error.downcast_ref::<KeyFileError>() {
        of_key_file(error)
    } else if let Some(error) = error.downcast_ref::<AccessError>() {
        of_access(error)
    } else if let Some(error) = error.downcast_ref::<PlanError>() {
        (Exit::Usage, of_plan(error)?)
    } else if let Some(error) = error.downcast_ref::<WiringError>() {
        of_wiring(error)?
    } else if let Some(VerifyError::Source(failure)) = error.downcast_ref::<VerifyError>() {
        of_source(failure.kind)
    } else if error.downcast_ref::<Unreachable>().is_some() {
        (Exit::DependencyDown, NO_REDIS.to_owned())
    } else if let Some(error) = error.downcast_ref::<LogError>() {
        (Exit::Usage, of_logs(error))
    } else if let Some(WorkerError::WrongMasterKey(_)) = error.downcast_ref() {
        (Exit::Usage, MASTER_KEY.to_owned())
    } else if let Some(error) = error.downcast_ref::<std::io::Error>() {
        of_io(error)
    } else {
        return None;
    };
    Some(Problem::new(exit, error.to_string(), next))
}

fn of_ledger(error: &LedgerError) -> (Exit, String) {
    let (exit, next) = match error {
        LedgerError::Unavailable(..) | LedgerError::CommitUnknown(_) => (
            Exit::DependencyDown,
            "check that Postgres answers at LEDGERFLEET_DATABASE_URL; for a file, that its directory exists, that you \
             may write there and that no program locks it; then run it again",
        ),
        LedgerError::ReadOnly(_) => (
            Exit::DependencyDown,
            "make a file and its directory writable for you; in a fleet, name the primary, not a standby, and a database \
             whose default_transaction_read_only is off; then run it again",
        ),
        LedgerError::Url(_) => (
            Exit::Usage,
            "give LEDGERFLEET_DATABASE_URL as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with ?sslmode=require or \
             another mode of Postgres if needed",
        ),
        LedgerError::Full(_) => (
            Exit::DependencyDown,
            "make room on the disk, then run it again: what was committed is safe and the rest goes on",
        ),
        LedgerError::NewerVersion { .. } => (
            Exit::Failed,
            "use the program that wrote it, or a newer one; or name another database with LEDGERFLEET_DATABASE_URL",
        ),
        LedgerError::NotMigrated { .. } => (Exit::Failed, "scheduler migrate"),
        LedgerError::Unsuitable { next, .. } => (Exit::Usage, *next),
        LedgerError::Foreign(_) => (
            Exit::Failed,
            "name another database: LEDGERFLEET_DATABASE_URL=sqlite://other.db for a file, postgres://…/OTHER in a \
             fleet; this one is left as it is",
        ),
        LedgerError::NameTaken(_) | LedgerError::CompanyTaken(_) | LedgerError::NoSuchConnection(_) => {
            (Exit::Usage, "scheduler connection list")
        }
        LedgerError::NoSuchSegment(_) => (Exit::Usage, "scheduler dlq list"),
        LedgerError::InUse { .. } => (
            Exit::Failed,
            "drop what hangs on it, or move it, and then: scheduler model refresh",
        ),
        LedgerError::FormerKey { .. } => (
            Exit::Usage,
            "give this process the key that the ledger is used with (LEDGERFLEET_MASTER_KEY_FILE), the former one as \
             LEDGERFLEET_SECOND_MASTER_KEY_FILE, then this command again",
        ),
        LedgerError::Corrupt(_) => (Exit::Failed, "scheduler doctor"),
        LedgerError::Statement { .. } => (Exit::Failed, "run it again with -v; if it fails again, report it"),
    };
    (exit, next.to_owned())
}

/// None where the ledger's own error tells it.
fn of_backup(error: &BackupError) -> Option<(Exit, String)> {
    let (exit, next) = match error {
        BackupError::Exists(_) => (
            Exit::Usage,
            "name a file that is not there yet, such as ledgerfleet-$(date +%F).db",
        ),
        BackupError::NothingThere(_) => (
            Exit::Usage,
            "run it where the ledger is, or name it: LEDGERFLEET_DATABASE_URL=sqlite://FILE",
        ),
        BackupError::Destination(..) => (
            Exit::DependencyDown,
            "make the folder and room in it, let this user write there, then run it again: nothing was left behind",
        ),
        BackupError::Damaged(_) => (
            Exit::Failed,
            "scheduler doctor; if the disk is well, keep the file and its log, and go back to the last backup",
        ),
        BackupError::Ledger(_) => return None,
    };
    Some((exit, next.to_owned()))
}

fn of_runner_lock(error: &RunnerLockError) -> (Exit, String) {
    match error {
        RunnerLockError::Held { .. } => (
            Exit::AnotherRunner,
            "wait for it, or stop it; `scheduler run list` shows what it does, and `scheduler backfill` hands \
             work to it"
                .to_owned(),
        ),
        RunnerLockError::File { .. } => {
            (Exit::DependencyDown, "make the file's directory writable for you, then run it again".to_owned())
        }
    }
}

fn of_key_file(error: &KeyFileError) -> (Exit, String) {
    let (exit, next) = match error {
        KeyFileError::File { .. } => (
            Exit::DependencyDown,
            "make the file readable and its directory writable for you",
        ),
        KeyFileError::NotAKey { .. } => (
            Exit::Usage,
            "put the key back into the file, or give it as LEDGERFLEET_MASTER_KEY_FILE",
        ),
        KeyFileError::Missing { .. } => (
            Exit::Usage,
            "put a copy of the key back, or name one with LEDGERFLEET_MASTER_KEY_FILE; if it is lost, begin a new file \
             (LEDGERFLEET_DATABASE_URL=sqlite://new.db) and connect the companies again",
        ),
    };
    (exit, next.to_owned())
}

fn of_access(error: &AccessError) -> (Exit, String) {
    const AGAIN: &str =
        "get a new refresh token and run `scheduler connection add --yes` again with the same name";
    let (exit, next) = match error {
        AccessError::NeedsReauthorisation(_) | AccessError::NoCredential => (Exit::NeedsAuthorisation, AGAIN),
        AccessError::WrongKeys(_) => (Exit::NeedsAuthorisation, APP_KEYS),
        AccessError::CodeRefused { .. } => (
            Exit::NeedsAuthorisation,
            "a code lives for ten minutes, is good for one exchange, and belongs to the redirect address that it was sent \
             to: begin anew with `scheduler connection authorize`; the address is quickbooks.redirect_url",
        ),
        AccessError::NoConsent => (Exit::Usage, "scheduler connection add --help"),
        AccessError::Sealed(_) | AccessError::Unreadable => (
            Exit::of_refusal(error.kind()),
            "give the master key that it was sealed with (LEDGERFLEET_MASTER_KEY_FILE); if that is lost, get a new \
             refresh token and run `scheduler connection add` again with the same name",
        ),
        AccessError::Ledger(error) => return of_ledger(error),
        AccessError::Unreachable(_) | AccessError::Unavailable(_) | AccessError::Lost(_) => (
            Exit::DependencyDown,
            "check the network and the upstream's status page, then run it again",
        ),
        _ => (
            Exit::Failed,
            "run it again with -v; if it fails again, report it with the output",
        ),
    };
    (exit, next.to_owned())
}

/// What a company's API refuses, or cannot be asked for, while it is compared.
fn of_source(kind: FailureKind) -> (Exit, String) {
    let next = match kind {
        FailureKind::Unauthorised | FailureKind::NeedsReauthorisation | FailureKind::Forbidden => {
            "scheduler connection test says what is wrong with the connection"
        }
        FailureKind::Throttled | FailureKind::GateBusy => {
            "run it again when the company is asked for less, or let it wait for longer: --max-wait 1h"
        }
        FailureKind::WrongAppKeys => APP_KEYS,
        FailureKind::Budget => {
            "scheduler quota shows what was used; run it again next month, or raise quickbooks.monthly_calls"
        }
        FailureKind::CoordinationUnavailable => NO_REDIS,
        FailureKind::LedgerUnavailable => "scheduler doctor says what is wrong with the database",
        FailureKind::Unstable => "run it again when the books are quieter; if it stays, ask for fewer days",
        FailureKind::NotInPlan => {
            "the company had it once: what is stored of it can no longer be compared; leave it out with --entity"
        }
        FailureKind::TooLarge => {
            "a single record is larger than can be read; leave its entity or its day out"
        }
        kind if Exit::of_refusal(kind) == Exit::DependencyDown => {
            "check the network and the upstream's status page, then run it again"
        }
        _ => "run it again with -v",
    };
    (Exit::of_refusal(kind), next.to_owned())
}

/// A name or a range that was asked for and is not there; none where the ledger, below, is the cause.
fn of_selection(error: &SelectionError) -> Option<Problem> {
    let problem = |next: String| Problem::usage(error.to_string(), next);
    Some(match error {
        SelectionError::Ledger(_) => return None,
        SelectionError::EmptyName { others } => {
            let next = if others.is_empty() {
                "--connection NAME, or --connection all".to_owned()
            } else {
                format!("--connection {}", others.join(","))
            };
            Problem::usage("one of the names of --connection is empty", next)
        }
        SelectionError::NoConnections { asked } => {
            let problem = problem(
                "scheduler connection add quickbooks --name NAME --realm ID --refresh-token-file FILE"
                    .to_owned(),
            );
            match asked {
                Some(name) => problem.because(format!("`{name}` was asked for")),
                None => problem,
            }
        }
        SelectionError::UnknownConnection {
            suggestion, known, ..
        } => {
            let next = match suggestion {
                Some(name) => format!("did you mean `{name}`?"),
                None => "scheduler connection list".to_owned(),
            };
            problem(next).because(format!("there are: {}", known.join(", ")))
        }
        SelectionError::UnknownEntity {
            suggestion: Some(name),
            ..
        } => problem(format!("--entity {name}")),
        SelectionError::UnknownEntity { known, .. } => {
            problem(format!("all, or some of: {}", known.join(", ")))
        }
        SelectionError::UnknownConnector { .. } => {
            problem("use the program that added it, or a newer one".to_owned())
        }
        SelectionError::ReversedDays { from, to } => problem(format!("--from {to} --to {from}")),
    })
}

/// None of a selection, which has an explanation of its own.
fn of_plan(error: &PlanError) -> Option<String> {
    Some(match error {
        PlanError::Selection(_) => return None,
        PlanError::Range(InvalidRange::Reversed { .. }) => {
            "give --from and --to as days, the earlier one first".to_owned()
        }
        PlanError::Range(InvalidRange::TooEarly(_) | InvalidRange::TooLate { .. }) => {
            "days from 1970 on, of documents up to a year ahead; a document of a mistyped year (0206, 9999) is read by the \
             day on which it was entered: backfill --by created --segment month --from 2026-01-01 --to today"
                .to_owned()
        }
        PlanError::PageSize { most, .. } => format!("--page-size {most}"),
    })
}

/// Only what has no more telling cause below it.
fn of_wiring(error: &WiringError) -> Option<(Exit, String)> {
    match error {
        WiringError::Key(_) => Some((
            Exit::Usage,
            "`scheduler key generate` makes a key; give it as LEDGERFLEET_MASTER_KEY".to_owned(),
        )),
        WiringError::WrongKey(_) => Some((
            Exit::Usage,
            MASTER_KEY.to_owned(),
        )),
        WiringError::EmptyBesideKey { database, key } => Some((
            Exit::Failed,
            format!(
                "put back the database that the key belongs to: a whole copy, with its -wal file if there is one; to begin \
                 anew, move {} and {} away",
                database.display(),
                key.display()
            ),
        )),
        WiringError::OtherKey { .. } => Some((
            Exit::Usage,
            "give every process the master key that the ledger is used with (LEDGERFLEET_MASTER_KEY, or the key file beside \
             the database); while no company is connected, `scheduler migrate` with the right key makes it the ledger's"
                .to_owned(),
        )),
        WiringError::NoLedger(_) => Some((
            Exit::Usage,
            "go to where it is, name it with LEDGERFLEET_DATABASE_URL=sqlite://PATH, or begin with `scheduler \
             connection add`"
                .to_owned(),
        )),
        WiringError::NoKey => Some((
            Exit::Usage,
            "`scheduler key generate` makes one; give it to every process as LEDGERFLEET_MASTER_KEY".to_owned(),
        )),
        WiringError::Certificate { .. } => Some((
            Exit::Usage,
            "name a readable PEM file; `scheduler config show --origin` says which setting names this one".to_owned(),
        )),
        WiringError::UnsuitableRedis(_) => Some((
            Exit::Usage,
            "give LEDGERFLEET_REDIS_URL a single Redis, version 7 or newer".to_owned(),
        )),
        WiringError::Redis(_) => Some((
            Exit::Usage,
            "give LEDGERFLEET_REDIS_URL as redis://HOST:PORT or rediss://HOST:PORT".to_owned(),
        )),
        _ => None,
    }
}

fn of_logs(error: &LogError) -> String {
    match error {
        LogError::Level { .. } => "set LOG_LEVEL=info, or unset RUST_LOG and LOG_LEVEL".to_owned(),
        LogError::File { .. } => "name a file that can be written with LEDGERFLEET_LOG_FILE".to_owned(),
        LogError::Twice => "run it again".to_owned(),
    }
}

fn of_io(error: &std::io::Error) -> (Exit, String) {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem => (
            Exit::DependencyDown,
            "make room, or use a disk that can be written".to_owned(),
        ),
        _ => (Exit::Failed, "run it again with -v".to_owned()),
    }
}

#[cfg(test)]
mod tests;
