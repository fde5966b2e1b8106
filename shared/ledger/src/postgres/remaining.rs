//! What is left of a run, on Postgres.

use ledgerfleet_model::{ConnectionId, RunId};
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::Count;
use super::error::{failed, persistently};
use crate::{LedgerError, Remaining};

struct RemainingRow {
    connection_id: Uuid,
    segments: Count<u64>,
    ahead: Count<u64>,
}

/// Each run's segments are read once, whatever the number of connections.
pub(super) async fn remaining(ledger: &PostgresLedger, id: RunId) -> Result<Vec<Remaining>, LedgerError> {
    let remaining = || async {
        sqlx::query_as!(
            RemainingRow,
            r#"
            WITH own AS (
                SELECT connection_id, count(*) AS segments FROM fleet.segments
                WHERE run_id = $1 AND state IN ('pending', 'running')
                GROUP BY connection_id),
            ahead AS MATERIALIZED (
                SELECT s.connection_id, count(*) AS segments
                FROM fleet.runs this
                JOIN fleet.runs r
                    ON r.state = 'active' AND (r.lane, r.created_at, r.id) < (this.lane, this.created_at, this.id)
                JOIN fleet.segments s ON s.run_id = r.id AND s.state IN ('pending', 'running')
                WHERE this.id = $1
                GROUP BY s.connection_id)
            SELECT own.connection_id AS "connection_id!", own.segments AS "segments!: _",
                coalesce((SELECT segments FROM ahead WHERE connection_id = own.connection_id), 0) AS "ahead!: _"
            FROM own
            JOIN fleet.connections c ON c.id = own.connection_id AND c.state = 'active'"#,
            id.0
        )
        .fetch_all(&ledger.pool)
        .await
        .map_err(failed("remaining"))
    };
    let told = |row: RemainingRow| Remaining {
        connection: ConnectionId(row.connection_id),
        segments: row.segments.0,
        ahead: row.ahead.0,
    };
    Ok(persistently(remaining).await?.into_iter().map(told).collect())
}
