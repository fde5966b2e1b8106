//! Where companies and a run stand, on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, RunId};
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::Count;
use super::error::{failed, persistently};
use crate::LedgerError;
use crate::overview::{ConnectionSums, MonthCalls, Overview, Trouble};

struct SumsRow {
    id: Uuid,
    last_read_at: Option<DateTime<Utc>>,
    open: Count<u64>,
    running: Count<u64>,
    dead: Count<u64>,
    calls: Count<u64>,
}

struct MonthRow {
    month: String,
    connection_id: Uuid,
    entity: String,
    calls: Count<u64>,
}

struct TroubleRow {
    attempts: Count<u64>,
    due_in: f64,
    reason: String,
    status: Option<i32>,
}

#[async_trait]
impl Overview for PostgresLedger {
    async fn connection_sums(&self) -> Result<Vec<ConnectionSums>, LedgerError> {
        let sums = || async {
            sqlx::query_as!(
                SumsRow,
                r#"
                SELECT c.id,
                    (SELECT max(read_at) FROM fleet.coverage v WHERE v.connection_id = c.id) AS last_read_at,
                    (SELECT count(*) FROM fleet.coverage v
                     WHERE v.connection_id = c.id AND (v.state <> 'complete' OR v.unproven)) AS "open!: _",
                    (SELECT count(*) FROM fleet.segments s
                     WHERE s.connection_id = c.id AND s.state = 'running') AS "running!: _",
                    coalesce(d.dead, 0) AS "dead!: _",
                    (SELECT coalesce(sum(calls), 0)::bigint FROM fleet.api_calls a
                     WHERE a.connection_id = c.id AND a.hour >= date_trunc('month', now(), 'UTC')) AS "calls!: _"
                FROM fleet.connections c
                LEFT JOIN (
                    SELECT connection_id, count(*) AS dead FROM fleet.segments
                    WHERE state = 'dead' AND dropped_at IS NULL GROUP BY connection_id) d ON d.connection_id = c.id
                WHERE c.state <> 'removed' ORDER BY c.name"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("connection sums"))
        };
        let rows = persistently(sums).await?;
        let sums = |row: SumsRow| ConnectionSums {
            connection: ConnectionId(row.id),
            last_read_at: row.last_read_at,
            open: row.open.0,
            running: row.running.0,
            dead: row.dead.0,
            calls: row.calls.0,
        };
        Ok(rows.into_iter().map(sums).collect())
    }

    async fn calls_by_month(
        &self,
        connections: &[ConnectionId],
        month: Option<&str>,
    ) -> Result<Vec<MonthCalls>, LedgerError> {
        let ids: Vec<Uuid> = connections.iter().map(|id| id.0).collect();
        let read = || async {
            sqlx::query_as!(
                MonthRow,
                r#"SELECT to_char(a.hour AT TIME ZONE 'UTC', 'YYYY-MM') AS "month!", a.connection_id, a.entity,
                    sum(a.calls)::bigint AS "calls!: _"
                FROM fleet.api_calls a
                WHERE a.connection_id = ANY($1)
                    AND ($2::text IS NULL OR to_char(a.hour AT TIME ZONE 'UTC', 'YYYY-MM') = $2)
                GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3"#,
                &ids,
                month,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("calls by month"))
        };
        let rows = persistently(read).await?;
        let calls = |row: MonthRow| MonthCalls {
            month: row.month,
            connection: ConnectionId(row.connection_id),
            entity: row.entity,
            calls: row.calls.0,
        };
        Ok(rows.into_iter().map(calls).collect())
    }

    async fn trouble(&self, run: RunId) -> Result<Option<Trouble>, LedgerError> {
        let trouble = || async {
            sqlx::query_as!(
                TroubleRow,
                r#"
            WITH failing AS MATERIALIZED (
                SELECT id, failures, due_at FROM fleet.segments
                WHERE run_id = $1 AND state = 'pending' AND failures > 0)
            SELECT (SELECT sum(failures) FROM failing) AS "attempts!: _",
                (SELECT extract(epoch FROM min(due_at) - now())::float8 FROM failing) AS "due_in!",
                a.reason, a.status
            FROM fleet.attempts a
            WHERE a.segment_id = (SELECT id FROM failing ORDER BY due_at DESC LIMIT 1) AND a.outcome = 'retry'
            ORDER BY a.id DESC LIMIT 1"#,
                run.0
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("trouble"))
        };
        let row = persistently(trouble).await?;
        Ok(row.map(|row| Trouble {
            attempts: row.attempts.0,
            reason: row.reason,
            status: row.status.and_then(|status| status.try_into().ok()),
            due_in: Duration::try_from_secs_f64(row.due_in).unwrap_or_default(),
        }))
    }
}
