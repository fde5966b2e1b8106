//! Pooler: what stands between this program and Postgres must leave a session to its client.
//!
//! Sessions are told how long to wait, and that a commit is on the disk when it returns. A pooler that lends the same
//! session to several clients by turns (PgBouncer's modes `transaction` and `statement`) gives those words to whoever
//! comes next, and ours to a session that never heard them: a commit that is not durable, a lock that is waited for
//! for ever. So it is refused, whether or not it knows prepared statements.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor, Row};

use super::error::failed;
use super::session::connect;
use crate::LedgerError;

/// How long to wait for a second connection. Where none is free nothing is found out, and nothing refused.
const PATIENCE: Duration = Duration::from_secs(3);

/// Refuses a pooler that lends the session of `first` to another client: a second one that begins a transaction is on the
/// same server process, or has driven the first from its own.
pub(super) async fn refuse_sharing(
    target: &PgConnectOptions,
    first: &mut PgConnection,
) -> Result<(), LedgerError> {
    // Poolers that keep a session to a client once it has changed the session's settings are no danger.
    first
        .execute("SET jit = off")
        .await
        .map_err(failed("begin a session"))?;
    let mine = process(first).await?;
    let Ok(Ok(mut second)) = tokio::time::timeout(PATIENCE, connect(target)).await else {
        return Ok(());
    };
    let shared = is_shared(first, &mut second, &mine).await?;
    second.close().await.map_err(failed("connect"))?;
    if shared { Err(refused()) } else { Ok(()) }
}

async fn is_shared(
    first: &mut PgConnection,
    second: &mut PgConnection,
    mine: &str,
) -> Result<bool, LedgerError> {
    if second.execute("BEGIN").await.is_err() {
        return Ok(true);
    }
    Ok(process(second).await? == mine || process(first).await? != mine)
}

/// The number of the server's process that answers. Without a prepared statement, which some poolers do not know.
async fn process(connection: &mut PgConnection) -> Result<String, LedgerError> {
    let row = sqlx::raw_sql("SELECT pg_backend_pid()::text")
        .fetch_one(connection)
        .await;
    row.and_then(|row| row.try_get(0))
        .map_err(failed("ask who answers"))
}

fn refused() -> LedgerError {
    LedgerError::Unsuitable {
        what: "a pooler gives the sessions of Postgres to other clients between transactions, and with them settings and \
               prepared statements"
            .to_owned(),
        next: "set pool_mode = session for this database in PgBouncer, use your provider's address for session pooling, or \
               name Postgres itself",
    }
}
