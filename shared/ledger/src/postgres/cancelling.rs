//! Cancelling: the unfinished segments of a run or of a company end.

use ledgerfleet_model::{ConnectionId, RunId};
use sqlx::PgConnection;

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

/// Ends every segment of a scope that has not ended. Answers how many. A segment that is being claimed or stored at
/// this moment is waited for, and cancelled as it then stands.
pub(super) async fn cancel(tx: &mut PgConnection, scope: Cancelled) -> Result<i64, LedgerError> {
    let (run, connection) = match scope {
        Cancelled::OfRun(run) => (Some(run.0), None),
        Cancelled::OfConnection(connection) => (None, Some(connection.0)),
    };
    let cancel = sqlx::query_scalar!(
        r#"
        WITH cancelled AS (
            UPDATE fleet.segments s
            SET state = 'cancelled', epoch = epoch + 1, lease_until = NULL, ended_at = now()
            FROM fleet.run_connections rc
            WHERE (rc.run_id = $1 OR rc.connection_id = $2)
              AND s.run_id = rc.run_id AND s.connection_id = rc.connection_id
              AND s.state IN ('pending', 'running')
            RETURNING s.id, s.connection_id, s.entity, s.axis, s.day_from, s.day_to),
        forgotten AS (
            DELETE FROM fleet.seen WHERE segment_id IN (SELECT id FROM cancelled)),
        noted AS (
            UPDATE fleet.coverage v SET last_result = 'cancelled', last_segment_id = s.id
            FROM cancelled s
            WHERE v.connection_id = s.connection_id AND v.entity = s.entity AND v.axis = s.axis
              AND coalesce(v.day_from, '-infinity') = coalesce(s.day_from, '-infinity')
              AND coalesce(v.day_to, 'infinity') = coalesce(s.day_to, 'infinity'))
        SELECT count(*) AS "count!" FROM cancelled"#,
        run,
        connection,
    );
    cancel.fetch_one(tx).await.map_err(failed("cancel"))
}
