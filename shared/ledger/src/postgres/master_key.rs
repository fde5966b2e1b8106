//! The master key's id on Postgres.

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;
use sqlx::PgConnection;

use super::PostgresLedger;
use super::error::{failed, persistently};
use super::segments::audit;
use crate::master_key::key_of;
use crate::{KeyChoice, LedgerError, MasterKeys, SealedRow};

#[async_trait]
impl MasterKeys for PostgresLedger {
    async fn agree_on_key(&self, id: &str, choice: KeyChoice) -> Result<String, LedgerError> {
        // Read first: who starts on a database that cannot be written, needs no more than this.
        let known = persistently(|| self.key_of_ledger()).await?;
        if let Some(known) = known.filter(|known| known == id || choice == KeyChoice::First) {
            return Ok(known);
        }
        let agree = || async {
            sqlx::query!(
                "INSERT INTO fleet.master_key (key_id) VALUES ($1)
                 ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id, since = now()
                 WHERE $2 AND NOT EXISTS (SELECT 1 FROM fleet.credentials)",
                id,
                choice == KeyChoice::WhileNothingIsSealed,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("agree on key"))
        };
        persistently(agree).await?;
        let agreed = persistently(|| self.key_of_ledger()).await?;
        agreed.ok_or_else(|| LedgerError::Corrupt("the id of the master key is gone".to_owned()))
    }

    async fn turn_key(&self, id: &str, who: &str) -> Result<(), LedgerError> {
        let mut tx = self.begin("turn key").await?;
        // Waits for those that store a credential at this moment, and they for it.
        let former = sqlx::query!(
            "
            INSERT INTO fleet.former_keys (key_id)
            SELECT key_id FROM fleet.master_key WHERE key_id <> $1 FOR UPDATE
            ON CONFLICT DO NOTHING",
            id
        );
        former.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let own = sqlx::query!("DELETE FROM fleet.former_keys WHERE key_id = $1", id);
        own.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let turn = sqlx::query!(
            "INSERT INTO fleet.master_key (key_id) VALUES ($1)
             ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id, since = now()",
            id
        );
        turn.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let detail = serde_json::json!({ "key": id, "by": who });
        audit(&mut tx, "key.rotate", None, detail).await?;
        tx.commit().await.map_err(failed("turn key"))
    }

    async fn sealed_rows(&self) -> Result<Vec<SealedRow>, LedgerError> {
        let rows = || async {
            sqlx::query!(
                "SELECT connection_id, version, sealed FROM fleet.credentials ORDER BY connection_id"
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("sealed rows"))
        };
        let rows = persistently(rows).await?.into_iter();
        Ok(rows
            .map(|row| SealedRow {
                connection: ConnectionId(row.connection_id),
                version: row.version,
                sealed: row.sealed,
            })
            .collect())
    }

    async fn reseal(&self, row: &SealedRow, sealed: &str) -> Result<bool, LedgerError> {
        let reseal = || async {
            sqlx::query!(
                "UPDATE fleet.credentials SET sealed = $4 WHERE connection_id = $1 AND version = $2 AND sealed = $3",
                row.connection.0,
                row.version,
                row.sealed,
                sealed,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("reseal"))
        };
        Ok(persistently(reseal).await?.rows_affected() == 1)
    }
}

impl PostgresLedger {
    async fn key_of_ledger(&self) -> Result<Option<String>, LedgerError> {
        sqlx::query_scalar!("SELECT key_id FROM fleet.master_key")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("agree on key"))
    }
}

/// Refuses what a former key has sealed. Part of the transaction that would store it: no rotation ends in between.
pub(super) async fn refuse_former_key(tx: &mut PgConnection, sealed: &str) -> Result<(), LedgerError> {
    let Some(key) = key_of(sealed) else { return Ok(()) };
    // Shared: who stores waits for the end of a rotation alone. First, so that what the rotation noted is seen then.
    let now = sqlx::query_scalar!("SELECT key_id FROM fleet.master_key FOR SHARE");
    let now = now.fetch_optional(&mut *tx).await;
    let now = now.map_err(failed("refuse former key"))?;
    let former = sqlx::query_scalar!("SELECT key_id FROM fleet.former_keys WHERE key_id = $1", key);
    let former = former
        .fetch_optional(tx)
        .await
        .map_err(failed("refuse former key"))?;
    match former.zip(now) {
        None => Ok(()),
        Some((sealed, now)) => Err(LedgerError::FormerKey { sealed, now }),
    }
}
