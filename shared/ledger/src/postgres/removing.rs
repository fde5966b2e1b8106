//! Removing a connection, and what is kept or deleted with it.

use ledgerfleet_model::ConnectionId;
use sqlx::PgConnection;

use super::PostgresLedger;
use super::cancelling::{Cancelled, cancel};
use super::error::failed;
use super::segments::{audit, take_time};
use crate::{LedgerError, Purge};

impl PostgresLedger {
    pub(super) async fn remove_once(&self, id: ConnectionId, purge: Purge) -> Result<u64, LedgerError> {
        let mut tx = self.begin("remove connection").await?;
        take_time(&mut tx).await?;
        let remove = sqlx::query!(
            "
            UPDATE fleet.connections
            SET state = 'removed', state_reason = NULL, state_cause = NULL, retired_version = coalesce(
                (SELECT version FROM fleet.credentials WHERE connection_id = $1), retired_version)
            WHERE id = $1",
            id.0
        );
        let removed = remove
            .execute(&mut *tx)
            .await
            .map_err(failed("remove connection"))?;
        if removed.rows_affected() == 0 {
            return Err(LedgerError::NoSuchConnection(id));
        }
        let forget = sqlx::query!("DELETE FROM fleet.credentials WHERE connection_id = $1", id.0);
        forget
            .execute(&mut *tx)
            .await
            .map_err(failed("forget credential"))?;
        let forget = sqlx::query!("DELETE FROM fleet.refreshes WHERE connection_id = $1", id.0);
        forget
            .execute(&mut *tx)
            .await
            .map_err(failed("forget refreshes"))?;
        let cancelled = cancel_all(&mut tx, id).await?;
        let deleted = match purge {
            Purge::KeepRecords => 0,
            Purge::DeleteRecords => delete_records(&mut tx, id).await?,
        };
        let detail = serde_json::json!({ "segments_cancelled": cancelled, "records_deleted": deleted });
        audit(&mut tx, "connection.remove", Some(id.0), detail).await?;
        tx.commit().await.map_err(failed("remove connection"))?;
        Ok(deleted)
    }
}

/// Cancels what a connection has unfinished, until there is nothing. Whoever stores a page is waited for, and what that page
/// has submitted is seen by the next look only; after this nobody stores another.
async fn cancel_all(tx: &mut PgConnection, id: ConnectionId) -> Result<i64, LedgerError> {
    let mut all = 0;
    loop {
        match cancel(tx, Cancelled::OfConnection(id)).await? {
            0 => return Ok(all),
            some => all += some,
        }
    }
}

/// Deletes a connection's records, and with them the claims that anything of it is covered or in sync.
async fn delete_records(tx: &mut PgConnection, id: ConnectionId) -> Result<u64, LedgerError> {
    let records = sqlx::query!("DELETE FROM raw.records WHERE connection_id = $1", id.0);
    let deleted = records
        .execute(&mut *tx)
        .await
        .map_err(failed("delete records"))?;
    let quarantine = sqlx::query!("DELETE FROM fleet.quarantine WHERE connection_id = $1", id.0);
    quarantine
        .execute(&mut *tx)
        .await
        .map_err(failed("delete quarantine"))?;
    forget_reading(tx, id).await?;
    Ok(deleted.rows_affected())
}

/// Forgets that anything of a connection is covered or in sync.
pub(super) async fn forget_reading(tx: &mut PgConnection, id: ConnectionId) -> Result<(), LedgerError> {
    let coverage = sqlx::query!("DELETE FROM fleet.coverage WHERE connection_id = $1", id.0);
    coverage
        .execute(&mut *tx)
        .await
        .map_err(failed("delete coverage"))?;
    let states = sqlx::query!("DELETE FROM fleet.sync_states WHERE connection_id = $1", id.0);
    states
        .execute(&mut *tx)
        .await
        .map_err(failed("delete sync states"))?;
    let upkeep = sqlx::query!(
        "UPDATE fleet.sync_schedules SET recounted_at = NULL, reread_at = NULL WHERE connection_id = $1",
        id.0
    );
    upkeep.execute(tx).await.map_err(failed("forget upkeep"))?;
    Ok(())
}
