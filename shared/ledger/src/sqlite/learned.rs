//! Learned on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;

use super::SqliteLedger;
use super::codec::{Text, number};
use super::error::failed;
use crate::LedgerError;
use crate::learned::{BELIEVED, Fact, Learning, SIZE_BELIEVED, of_age};

impl SqliteLedger {
    /// What was learned within that time.
    async fn learned_within(
        &self,
        connection: ConnectionId,
        entity: &str,
        time: Duration,
    ) -> Result<Vec<(Fact, u64)>, LedgerError> {
        const LEARNED: &str =
            "SELECT fact, value FROM fleet_learned WHERE connection_id = ? AND entity = ? AND learned_at > ?";
        let rows: Vec<(String, u64)> = sqlx::query_as(LEARNED)
            .bind(Text(connection))
            .bind(entity)
            .bind(self.now().before(time))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("learned"))?;
        // What a newer program has learned says nothing to this one.
        let known = rows
            .into_iter()
            .filter_map(|(fact, value)| Some((fact.parse().ok()?, value)));
        Ok(known.collect())
    }
}

#[async_trait]
impl Learning for SqliteLedger {
    async fn learned(&self, connection: ConnectionId, entity: &str) -> Result<Vec<(Fact, u64)>, LedgerError> {
        let known = self.learned_within(connection, entity, BELIEVED).await?;
        let recent = self.learned_within(connection, entity, SIZE_BELIEVED).await?;
        Ok(of_age(known, &recent))
    }

    async fn learn(
        &self,
        connection: ConnectionId,
        entity: &str,
        fact: Fact,
        value: u64,
    ) -> Result<bool, LedgerError> {
        const LEARN: &str = "
            INSERT INTO fleet_learned (connection_id, entity, fact, value, learned_at) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (connection_id, entity, fact) DO UPDATE
            SET value = excluded.value, learned_at = excluded.learned_at
            WHERE value < excluded.value OR learned_at <= ?6";
        let mut tx = self.write("learn").await?;
        let now = self.now();
        let learn = sqlx::query(LEARN)
            .bind(Text(connection))
            .bind(entity)
            .bind(fact.as_str())
            .bind(number(value))
            .bind(now)
            .bind(now.before(fact.believed()));
        let learned = learn.execute(&mut *tx).await.map_err(failed("learn"))?;
        tx.commit().await.map_err(failed("learn"))?;
        Ok(learned.rows_affected() == 1)
    }
}
