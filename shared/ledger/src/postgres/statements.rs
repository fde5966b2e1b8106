//! Statements that are put together: names of schemas, tables and roles cannot be arguments.

use sqlx::{AssertSqlSafe, PgConnection};

use super::error::failed;
use crate::LedgerError;

/// Runs one.
pub(super) async fn run(
    tx: &mut PgConnection,
    step: &'static str,
    statement: String,
) -> Result<(), LedgerError> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(tx)
        .await
        .map_err(failed(step))?;
    Ok(())
}

/// Says who uses what cannot be dropped, where that is why.
pub(super) fn in_use(error: LedgerError, schema: &str) -> LedgerError {
    const DEPENDENT_OBJECTS_STILL_EXIST: &str = "2BP01";
    match &error {
        LedgerError::Statement {
            source: sqlx::Error::Database(cause),
            ..
        } if cause
            .code()
            .is_some_and(|code| code == DEPENDENT_OBJECTS_STILL_EXIST) =>
        {
            let detail = cause.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
            let detail = detail
                .and_then(sqlx::postgres::PgDatabaseError::detail)
                .unwrap_or_default();
            LedgerError::InUse {
                place: schema.to_owned(),
                by: detail.lines().take(5).collect::<Vec<_>>().join("; "),
            }
        }
        _ => error,
    }
}

/// A name as a statement takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
