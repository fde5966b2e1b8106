//! What is left of a run, on SQLite.

use ledgerfleet_model::{ConnectionId, RunId};

use super::SqliteLedger;
use super::codec::Text;
use super::error::failed;
use crate::{LedgerError, Remaining};

#[derive(sqlx::FromRow)]
struct RemainingRow {
    connection_id: Text<ConnectionId>,
    segments: u64,
    ahead: u64,
}

/// Each run's segments are read once, whatever the number of connections.
pub(super) async fn remaining(ledger: &SqliteLedger, id: RunId) -> Result<Vec<Remaining>, LedgerError> {
    const REMAINING: &str = "
        WITH own AS (
            SELECT connection_id, count(*) AS segments FROM fleet_segments
            WHERE run_id = ?1 AND state IN ('pending', 'running')
            GROUP BY connection_id),
        ahead AS (
            SELECT s.connection_id, count(*) AS segments
            FROM fleet_runs this
            JOIN fleet_runs r
                ON r.state = 'active' AND (r.lane, r.created_at, r.rowid) < (this.lane, this.created_at, this.rowid)
            JOIN fleet_segments s ON s.run_id = r.id AND s.state IN ('pending', 'running')
            WHERE this.id = ?1
            GROUP BY s.connection_id)
        SELECT own.connection_id, own.segments, coalesce(ahead.segments, 0) AS ahead
        FROM own
        JOIN fleet_connections c ON c.id = own.connection_id AND c.state = 'active'
        LEFT JOIN ahead ON ahead.connection_id = own.connection_id";
    let rows: Vec<RemainingRow> = sqlx::query_as(REMAINING)
        .bind(Text(id))
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("remaining"))?;
    let told = |row: RemainingRow| Remaining {
        connection: row.connection_id.0,
        segments: row.segments,
        ahead: row.ahead,
    };
    Ok(rows.into_iter().map(told).collect())
}
