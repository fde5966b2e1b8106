//! What SQLite says, in the words of the ledger.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use crate::LedgerError;

/// Turns an error of sqlx into the ledger's, naming the step that failed.
pub(super) fn failed(step: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |error| match &error {
        sqlx::Error::Database(cause) => match extended_code(cause.as_ref()) {
            Some(code) => of_code(code, step, error),
            None => LedgerError::Statement { step, source: error },
        },
        sqlx::Error::PoolTimedOut => LedgerError::Unavailable("it is busy".to_owned(), Some(error)),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => {
            LedgerError::Unavailable(format!("in step `{step}`"), Some(error))
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            LedgerError::Corrupt(format!("in step `{step}`: {error}"))
        }
        _ => LedgerError::Statement { step, source: error },
    }
}

/// The same for a COMMIT: where no answer came, nobody knows whether it took effect.
pub(super) fn commit_failed(step: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |error| match &error {
        sqlx::Error::Database(_) => failed(step)(error),
        _ => LedgerError::CommitUnknown(Some(error)),
    }
}

/// The same for a migration.
pub(super) fn migration_failed(error: MigrateError) -> LedgerError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed("migrate")(error),
        other => LedgerError::Corrupt(format!("its schema is not the one this program made: {other}")),
    }
}

fn extended_code(cause: &dyn DatabaseError) -> Option<i32> {
    cause.code()?.parse().ok()
}

/// By SQLite's result codes (<https://sqlite.org/rescode.html>): the low byte is the primary code.
fn of_code(code: i32, step: &'static str, error: sqlx::Error) -> LedgerError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READ_ONLY: i32 = 8;
    const INPUT_OUTPUT: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    // Quotas and some network file systems report a full disk as a failed write.
    const WRITE: i32 = INPUT_OUTPUT | 3 << 8;

    let unavailable = |what: &str, error| LedgerError::Unavailable(what.to_owned(), Some(error));
    match (code, code & 0xff) {
        (WRITE, _) | (_, FULL) => LedgerError::Full(error),
        (_, READ_ONLY) => LedgerError::ReadOnly(error),
        (_, BUSY | LOCKED) => unavailable("another process has held it for too long", error),
        (_, INPUT_OUTPUT) => unavailable("its file cannot be read or written", error),
        (_, CANNOT_OPEN) => unavailable("its file cannot be opened", error),
        (_, CORRUPT) => LedgerError::Corrupt(error.to_string()),
        (_, NOT_A_DATABASE) => LedgerError::Foreign("the file is not a SQLite database".to_owned()),
        _ => LedgerError::Statement { step, source: error },
    }
}
