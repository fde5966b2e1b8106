//! The master key's id on SQLite.

use async_trait::async_trait;

use super::SqliteLedger;
use super::error::failed;
use crate::{KeyChoice, LedgerError, MasterKeys};

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
}
