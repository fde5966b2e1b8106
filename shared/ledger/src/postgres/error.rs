//! What Postgres says, in the words of the ledger.

use std::time::Duration;

use sqlx::migrate::MigrateError;

use super::unanswered::Unanswered;
use crate::LedgerError;

/// Turns an error of sqlx into the ledger's, naming the step that failed.
pub(super) fn failed(step: &'static str) -> impl Fn(sqlx::Error) -> LedgerError + Copy {
    move |error| match &error {
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default().into_owned();
            of_code(&code, step, error)
        }
        sqlx::Error::PoolTimedOut => unavailable("all of this process's connections to it are in use", error),
        sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_) => LedgerError::Unavailable(format!("in step `{step}`"), Some(error)),
        sqlx::Error::Tls(_) => unavailable("no encrypted connection can be made", error),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            LedgerError::Corrupt(format!("in step `{step}`: {error}"))
        }
        _ => LedgerError::Statement { step, source: error },
    }
}

/// The same for a COMMIT: where the session ends with it, nobody knows whether it took effect.
pub(super) fn commit_failed(step: &'static str) -> impl Fn(sqlx::Error) -> LedgerError + Copy {
    move |error| match &error {
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            let ends_session = code.starts_with("08") || code.starts_with("57P");
            if ends_session {
                LedgerError::CommitUnknown(Some(error))
            } else {
                failed(step)(error)
            }
        }
        _ => LedgerError::CommitUnknown(Some(error)),
    }
}

/// The same for a migration.
pub(super) fn migration_failed(known: i64) -> impl Fn(MigrateError) -> LedgerError {
    move |error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed("migrate")(error),
        MigrateError::VersionMissing(found) if found > known => LedgerError::NewerVersion { found, known },
        other => LedgerError::Corrupt(format!("its schema is not the one this program made: {other}")),
    }
}

fn unavailable(what: &str, error: sqlx::Error) -> LedgerError {
    LedgerError::Unavailable(what.to_owned(), Some(error))
}

/// By SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_code(code: &str, step: &'static str, error: sqlx::Error) -> LedgerError {
    match code {
        "25006" => LedgerError::ReadOnly(error),
        "53100" => LedgerError::Full(error),
        DEADLOCK | SERIALIZATION => unavailable("others were in the way, several times in a row", error),
        "55P03" => unavailable("another session has held what is needed for too long", error),
        "57014" => unavailable("it took too long", error),
        "53300" => unavailable("it has no room for another connection", error),
        "57P01" | "57P02" | "57P03" => unavailable("it is stopping or starting", error),
        // A session that waited too long, and a disk that cannot be read.
        "25P03" | "57P05" | "58030" => unavailable("it has ended the session", error),
        "28000" | "28P01" => unavailable("it refuses this user or password", error),
        "3D000" => unavailable("there is no database of this name", error),
        _ if code.starts_with("08") || code.starts_with("53") => {
            LedgerError::Unavailable(format!("in step `{step}`"), Some(error))
        }
        _ => LedgerError::Statement { step, source: error },
    }
}

const SERIALIZATION: &str = "40001";
const DEADLOCK: &str = "40P01";

/// Whether the server refuses what it was given to store: a data exception, or a limit of its own.
pub(super) fn refuses_data(error: &LedgerError) -> bool {
    let LedgerError::Statement {
        source: sqlx::Error::Database(cause),
        ..
    } = error
    else {
        return false;
    };
    cause
        .code()
        .is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// Whether a transaction was undone only because of another one: the same again will mostly succeed.
fn is_conflict(error: &LedgerError) -> bool {
    let LedgerError::Unavailable(_, Some(sqlx::Error::Database(cause))) = error else {
        return false;
    };
    cause
        .code()
        .is_some_and(|code| [SERIALIZATION, DEADLOCK].contains(&&*code))
}

/// How long a call may take in all. The server ends a statement long before; only a server or network that has gone
/// silent lasts this long.
const PATIENCE: Duration = Duration::from_secs(90);

/// The same for a call that may touch a whole run or company, millions of rows, and whose statements are not bounded.
const LONG_PATIENCE: Duration = Duration::from_mins(30);

/// Does `transaction` as a whole, and anew if another one was in its way.
pub(super) async fn persistently<T, F>(transaction: impl Fn() -> F + Send) -> Result<T, LedgerError>
where
    F: Future<Output = Result<T, LedgerError>> + Send,
    T: Send,
{
    within(PATIENCE, transaction).await
}

/// The same for a transaction that [takes its time](super::segments::take_time).
pub(super) async fn patiently<T, F>(transaction: impl Fn() -> F + Send) -> Result<T, LedgerError>
where
    F: Future<Output = Result<T, LedgerError>> + Send,
    T: Send,
{
    within(LONG_PATIENCE, transaction).await
}

/// Does `transaction`, and anew if another one was in its way, for no longer than `patience` in all.
pub(super) async fn within<T, F>(
    patience: Duration,
    transaction: impl Fn() -> F + Send,
) -> Result<T, LedgerError>
where
    F: Future<Output = Result<T, LedgerError>> + Send,
    T: Send,
{
    const TRIES: u32 = 5;
    let whole = async {
        for _ in 1..TRIES {
            match transaction().await {
                Err(error) if is_conflict(&error) => {}
                other => return other,
            }
        }
        transaction().await
    };
    let unanswered = Unanswered::yet();
    let answer = tokio::time::timeout(patience, whole).await;
    if answer.is_ok() {
        unanswered.answered();
    }
    answer.unwrap_or_else(|_| Err(LedgerError::Unavailable("it does not answer".to_owned(), None)))
}
