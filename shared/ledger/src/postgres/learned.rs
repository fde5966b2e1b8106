//! Learned on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;

use super::PostgresLedger;
use super::codec::{Count, interval, number};
use super::error::{failed, persistently};
use crate::LedgerError;
use crate::learned::{BELIEVED, Fact, Learning, SIZE_BELIEVED, of_age};

struct LearnedRow {
    fact: String,
    value: Count<u64>,
}

impl PostgresLedger {
    /// What was learned within that time.
    async fn learned_within(
        &self,
        connection: ConnectionId,
        entity: &str,
        time: Duration,
    ) -> Result<Vec<(Fact, u64)>, LedgerError> {
        let learned = || async {
            sqlx::query_as!(
                LearnedRow,
                r#"
                SELECT fact, value AS "value: _" FROM fleet.learned
                WHERE connection_id = $1 AND entity = $2 AND learned_at > now() - $3::interval"#,
                connection.0,
                entity,
                interval(time),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("learned"))
        };
        let rows = persistently(learned).await?;
        // What a newer program has learned says nothing to this one.
        let known = rows
            .into_iter()
            .filter_map(|row| Some((row.fact.parse().ok()?, row.value.0)));
        Ok(known.collect())
    }
}

#[async_trait]
impl Learning for PostgresLedger {
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
        let learn = || async {
            sqlx::query!(
                "
                INSERT INTO fleet.learned AS known (connection_id, entity, fact, value, learned_at)
                VALUES ($1, $2, $3, $4, now())
                ON CONFLICT (connection_id, entity, fact) DO UPDATE
                SET value = excluded.value, learned_at = excluded.learned_at
                WHERE known.value < excluded.value OR known.learned_at <= now() - $5::interval",
                connection.0,
                entity,
                fact.as_str(),
                number(value),
                interval(fact.believed()),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("learn"))
        };
        Ok(persistently(learn).await?.rows_affected() == 1)
    }
}
