//! The master key's id on Postgres.

use async_trait::async_trait;

use super::PostgresLedger;
use super::error::{failed, persistently};
use crate::{KeyChoice, LedgerError, MasterKeys};

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
}

impl PostgresLedger {
    async fn key_of_ledger(&self) -> Result<Option<String>, LedgerError> {
        sqlx::query_scalar!("SELECT key_id FROM fleet.master_key")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("agree on key"))
    }
}
