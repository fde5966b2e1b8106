//! Where companies and a run stand, on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, RunId};

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::LedgerError;
use crate::overview::{ConnectionSums, MonthCalls, Overview, Trouble};

#[derive(sqlx::FromRow)]
struct SumsRow {
    id: Text<ConnectionId>,
    last_read_at: Option<Stamp>,
    open: u64,
    running: u64,
    dead: u64,
    calls: u64,
}

#[derive(sqlx::FromRow)]
struct MonthRow {
    month: String,
    connection_id: Text<ConnectionId>,
    entity: String,
    calls: u64,
}

#[derive(sqlx::FromRow)]
struct TroubleRow {
    attempts: u64,
    due_at: Stamp,
    reason: String,
    status: Option<u16>,
}

#[async_trait]
impl Overview for SqliteLedger {
    async fn connection_sums(&self) -> Result<Vec<ConnectionSums>, LedgerError> {
        // Instants are written with the year and the month first.
        const SUMS: &str = "
            SELECT c.id,
                (SELECT max(read_at) FROM fleet_coverage v WHERE v.connection_id = c.id) AS last_read_at,
                (SELECT count(*) FROM fleet_coverage v
                 WHERE v.connection_id = c.id AND (v.state <> 'complete' OR v.unproven)) AS open,
                (SELECT count(*) FROM fleet_segments s
                 WHERE s.connection_id = c.id AND s.state = 'running') AS running,
                coalesce(d.dead, 0) AS dead,
                (SELECT coalesce(sum(calls), 0) FROM fleet_api_calls a
                 WHERE a.connection_id = c.id AND a.hour >= substr(?, 1, 7)) AS calls
            FROM fleet_connections c
            LEFT JOIN (
                SELECT connection_id, count(*) AS dead
                FROM fleet_segments INDEXED BY fleet_segments_causes WHERE state = 'dead' AND dropped_at IS NULL
                GROUP BY connection_id) d ON d.connection_id = c.id
            WHERE c.state <> 'removed' ORDER BY c.name";
        let sums = sqlx::query_as(SUMS).bind(self.now()).fetch_all(&self.readers);
        let rows: Vec<SumsRow> = sums.await.map_err(failed("connection sums"))?;
        let sums = |row: SumsRow| ConnectionSums {
            connection: row.id.0,
            last_read_at: row.last_read_at.map(|at| at.0),
            open: row.open,
            running: row.running,
            dead: row.dead,
            calls: row.calls,
        };
        Ok(rows.into_iter().map(sums).collect())
    }

    async fn calls_by_month(
        &self,
        connections: &[ConnectionId],
        month: Option<&str>,
    ) -> Result<Vec<MonthCalls>, LedgerError> {
        // Instants are written with the year and the month first.
        const CALLS: &str = "
            SELECT substr(hour, 1, 7) AS month, connection_id, entity, sum(calls) AS calls
            FROM fleet_api_calls
            WHERE connection_id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR substr(hour, 1, 7) = ?2)
            GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3";
        let ids: Vec<String> = connections.iter().map(ToString::to_string).collect();
        let read = sqlx::query_as(CALLS)
            .bind(serde_json::json!(ids).to_string())
            .bind(month);
        let rows: Vec<MonthRow> = read
            .fetch_all(&self.readers)
            .await
            .map_err(failed("calls by month"))?;
        let calls = |row: MonthRow| MonthCalls {
            month: row.month,
            connection: row.connection_id.0,
            entity: row.entity,
            calls: row.calls,
        };
        Ok(rows.into_iter().map(calls).collect())
    }

    async fn trouble(&self, run: RunId) -> Result<Option<Trouble>, LedgerError> {
        const TROUBLE: &str = "
            WITH failing AS (
                SELECT id, failures, due_at FROM fleet_segments
                WHERE run_id = ? AND state = 'pending' AND failures > 0)
            SELECT (SELECT sum(failures) FROM failing) AS attempts, (SELECT min(due_at) FROM failing) AS due_at,
                a.reason, a.status
            FROM fleet_attempts a
            WHERE a.segment_id = (SELECT id FROM failing ORDER BY due_at DESC LIMIT 1) AND a.outcome = 'retry'
            ORDER BY a.id DESC LIMIT 1";
        let trouble = sqlx::query_as(TROUBLE)
            .bind(Text(run))
            .fetch_optional(&self.readers);
        let row: Option<TroubleRow> = trouble.await.map_err(failed("trouble"))?;
        let now = self.now().0;
        Ok(row.map(|row| Trouble {
            attempts: row.attempts,
            reason: row.reason,
            status: row.status,
            due_in: (row.due_at.0 - now).to_std().unwrap_or_default(),
        }))
    }
}
