//! Cancelling: the unfinished segments of a run or of a company end.

use ledgerfleet_model::{ConnectionId, RunId};
use sqlx::SqliteConnection;

use super::codec::{Stamp, Text, number};
use super::error::failed;
use crate::LedgerError;

/// Whose unfinished segments to cancel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cancelled {
    /// Those of a run.
    OfRun(RunId),
    /// Those of a connection.
    OfConnection(ConnectionId),
}

/// Ends every segment of a scope that has not ended. Answers how many.
pub(super) async fn cancel(
    tx: &mut SqliteConnection,
    now: Stamp,
    scope: Cancelled,
) -> Result<i64, LedgerError> {
    // Coverage first, while the segments can still be told from those that had ended before.
    const NOTE: &str = "
        UPDATE fleet_coverage SET last_result = 'cancelled', last_segment_id = s.id
        FROM fleet_segments s
        WHERE s.run_id IN (SELECT run_id FROM fleet_run_connections WHERE run_id = ?1 OR connection_id = ?2)
          AND (?2 IS NULL OR s.connection_id = ?2) AND s.state IN ('pending', 'running')
          AND fleet_coverage.connection_id = s.connection_id AND fleet_coverage.entity = s.entity
          AND fleet_coverage.axis = s.axis
          AND coalesce(fleet_coverage.day_from, '') = coalesce(s.day_from, '')
          AND coalesce(fleet_coverage.day_to, '') = coalesce(s.day_to, '')";
    const FORGET: &str = "
        DELETE FROM fleet_seen WHERE segment_id IN (
            SELECT id FROM fleet_segments
            WHERE run_id IN (SELECT run_id FROM fleet_run_connections WHERE run_id = ?1 OR connection_id = ?2)
              AND (?2 IS NULL OR connection_id = ?2) AND state IN ('pending', 'running'))";
    const CANCEL: &str = "
        UPDATE fleet_segments SET state = 'cancelled', epoch = epoch + 1, lease_until = NULL, ended_at = ?3
        WHERE run_id IN (SELECT run_id FROM fleet_run_connections WHERE run_id = ?1 OR connection_id = ?2)
          AND (?2 IS NULL OR connection_id = ?2) AND state IN ('pending', 'running')";
    let (run, connection) = match scope {
        Cancelled::OfRun(run) => (Some(Text(run)), None),
        Cancelled::OfConnection(connection) => (None, Some(Text(connection))),
    };
    for statement in [NOTE, FORGET] {
        let bound = sqlx::query(statement).bind(run).bind(connection);
        bound.execute(&mut *tx).await.map_err(failed("prepare cancel"))?;
    }
    let cancelled = sqlx::query(CANCEL)
        .bind(run)
        .bind(connection)
        .bind(now)
        .execute(tx)
        .await;
    Ok(number(cancelled.map_err(failed("cancel"))?.rows_affected()))
}
