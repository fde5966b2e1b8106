//! The master key's id on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::Text;
use super::error::failed;
use super::segments::audit;
use crate::master_key::key_of;
use crate::{KeyChoice, LedgerError, MasterKeys, SealedRow};

#[async_trait]
impl MasterKeys for SqliteLedger {
    async fn agree_on_key(&self, id: &str, choice: KeyChoice) -> Result<String, LedgerError> {
        const KNOWN: &str = "SELECT key_id FROM fleet_master_key";
        const AGREE: &str = "
            INSERT INTO fleet_master_key (only_row, key_id, since) VALUES (1, ?1, ?3)
            ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id, since = excluded.since
            WHERE ?2 AND NOT EXISTS (SELECT 1 FROM fleet_credentials)";
        let known = sqlx::query_scalar(KNOWN).fetch_optional(&self.readers);
        let known: Option<String> = known.await.map_err(failed("agree on key"))?;
        if let Some(known) = known.filter(|known| known == id || choice == KeyChoice::First) {
            return Ok(known);
        }
        let mut tx = self.write("agree on key").await?;
        let agree = sqlx::query(AGREE)
            .bind(id)
            .bind(choice == KeyChoice::WhileNothingIsSealed)
            .bind(self.now());
        agree.execute(&mut *tx).await.map_err(failed("agree on key"))?;
        let agreed = sqlx::query_scalar(KNOWN).fetch_one(&mut *tx).await;
        let agreed = agreed.map_err(failed("agree on key"))?;
        tx.commit().await.map_err(failed("agree on key"))?;
        Ok(agreed)
    }

    async fn turn_key(&self, id: &str, who: &str) -> Result<(), LedgerError> {
        const TURN: &str = "
            INSERT INTO fleet_master_key (only_row, key_id, since) VALUES (1, ?1, ?2)
            ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id, since = excluded.since";
        const FORMER: &str = "
            INSERT OR IGNORE INTO fleet_former_keys (key_id, replaced_at)
            SELECT key_id, ?2 FROM fleet_master_key WHERE key_id <> ?1";
        const NONE_ANY_MORE: &str = "DELETE FROM fleet_former_keys WHERE key_id = ?1";
        let mut tx = self.write("turn key").await?;
        let now = self.now();
        let former = sqlx::query(FORMER).bind(id).bind(now);
        former.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let own = sqlx::query(NONE_ANY_MORE).bind(id);
        own.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let turn = sqlx::query(TURN).bind(id).bind(now);
        turn.execute(&mut *tx).await.map_err(failed("turn key"))?;
        let detail = serde_json::json!({ "key": id, "by": who });
        audit(&mut tx, now, "key.rotate", None, detail).await?;
        tx.commit().await.map_err(failed("turn key"))
    }

    async fn sealed_rows(&self) -> Result<Vec<SealedRow>, LedgerError> {
        const ROWS: &str =
            "SELECT connection_id, version, sealed FROM fleet_credentials ORDER BY connection_id";
        let rows: Vec<(Text<ConnectionId>, i64, String)> = sqlx::query_as(ROWS)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("sealed rows"))?;
        let row = |(connection, version, sealed): (Text<ConnectionId>, i64, String)| SealedRow {
            connection: connection.0,
            version,
            sealed,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn reseal(&self, row: &SealedRow, sealed: &str) -> Result<bool, LedgerError> {
        const RESEAL: &str = "
            UPDATE fleet_credentials SET sealed = ?4 WHERE connection_id = ?1 AND version = ?2 AND sealed = ?3";
        let mut tx = self.write("reseal").await?;
        let reseal = sqlx::query(RESEAL)
            .bind(Text(row.connection))
            .bind(row.version)
            .bind(&row.sealed)
            .bind(sealed);
        let resealed = reseal.execute(&mut *tx).await.map_err(failed("reseal"))?;
        tx.commit().await.map_err(failed("reseal"))?;
        Ok(resealed.rows_affected() == 1)
    }
}

/// Refuses what a former key has sealed. Part of the transaction that would store it: no rotation ends in between.
pub(super) async fn refuse_former_key(tx: &mut SqliteConnection, sealed: &str) -> Result<(), LedgerError> {
    const FORMER: &str = "
        SELECT m.key_id FROM fleet_master_key m
        WHERE EXISTS (SELECT 1 FROM fleet_former_keys f WHERE f.key_id = ?1)";
    let Some(key) = key_of(sealed) else { return Ok(()) };
    let now = sqlx::query_scalar(FORMER).bind(key).fetch_optional(tx).await;
    match now.map_err(failed("refuse former key"))? {
        None => Ok(()),
        Some(now) => Err(LedgerError::FormerKey {
            sealed: key.to_owned(),
            now,
        }),
    }
}
