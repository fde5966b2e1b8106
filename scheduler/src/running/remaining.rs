//! Remaining: how long a run still takes, by what its gates grant.
//!
//! ```text
//!                       (segments left of the run + segments that its connection serves first) × calls a segment
//! time left = longest of ───────────────────────────────────────────────────────────────────────────────────────
//!   its connections                     requests a second that the connection's gate grants
//! ```
//!
//! Connections do not help each other, so the longest decides. A connection serves better lanes first, and within a lane
//! what was submitted first; runs that are paused wait behind. A call is what the run's segments have cost so far, at
//! least one. It is the time at the gates' full pace: a gate that was throttled, too few workers, or a slow upstream make
//! it longer.

use std::time::{Duration, Instant};

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::{LedgerError, Remaining, RunReport};
use ledgerfleet_model::{Connection, ConnectionId};
use ledgerfleet_wiring::Parts;
use tokio::time::timeout;

/// A count that takes longer is given up.
const COUNTING: Duration = Duration::from_secs(20);

/// What is left is counted anew this often; between, time passes.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// But so many times as long as counting takes lies between (of a million segments it takes a second), so that watching
/// does not become the main work.
const REST: u32 = 50;

/// An estimate that follows a run.
#[derive(Debug, Default)]
pub(crate) struct Estimate {
    counted: Option<Counted>,
}

/// What was left when it was counted.
#[derive(Debug, Clone, Copy)]
struct Counted {
    at: Instant,
    took: Duration,
    seconds: Option<f64>,
}

impl Counted {
    fn is_old(&self) -> bool {
        self.at.elapsed() >= COUNT_EVERY.max(self.took * REST)
    }
}

impl Estimate {
    /// The seconds that are left, as far as anybody can tell. While the ledger cannot tell, the last count goes on.
    pub(crate) async fn seconds(
        &mut self,
        parts: &Parts,
        connections: &[Connection],
        report: &RunReport,
    ) -> Option<f64> {
        if self.counted.as_ref().is_none_or(Counted::is_old) {
            let silent = |_| Err(LedgerError::Unavailable("it does not answer".to_owned(), None));
            let counted = timeout(COUNTING, count(parts, connections, report)).await;
            match counted.unwrap_or_else(silent) {
                Ok(counted) => self.counted = Some(counted),
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "what is left of the run was not counted"
                ),
            }
        }
        let Counted { at, seconds, .. } = self.counted?;
        seconds.map(|seconds| (seconds - at.elapsed().as_secs_f64()).max(0.0))
    }
}

async fn count(
    parts: &Parts,
    connections: &[Connection],
    report: &RunReport,
) -> Result<Counted, LedgerError> {
    let asked = Instant::now();
    let remaining = parts.ledger.remaining(report.run_id).await?;
    let rate = |id| granted_per_second(parts, connections, id);
    Ok(Counted {
        at: Instant::now(),
        took: asked.elapsed(),
        seconds: seconds_left(&remaining, calls_a_segment(report), rate),
    })
}

/// What the gate of a connection grants at its full pace.
fn granted_per_second(parts: &Parts, connections: &[Connection], id: ConnectionId) -> Option<f64> {
    let connection = connections.iter().find(|connection| connection.id == id)?;
    let entry = connector_entry(&connection.connector)?;
    Some(parts.gate_limits(connection, entry).requests_per_second)
}

/// What a segment of the run has cost so far.
fn calls_a_segment(report: &RunReport) -> f64 {
    (as_number(report.calls) / as_number(report.done.max(1))).max(1.0)
}

/// The formula above; none where nothing is left, or of what is left no gate is known.
fn seconds_left(
    remaining: &[Remaining],
    calls: f64,
    rate: impl Fn(ConnectionId) -> Option<f64>,
) -> Option<f64> {
    let takes = |left: &Remaining| {
        let rate = rate(left.connection).filter(|rate| *rate > 0.0)?;
        Some(as_number(left.segments + left.ahead) * calls / rate)
    };
    remaining.iter().filter_map(takes).max_by(f64::total_cmp)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use ledgerfleet_config::{Inputs, Settings};
    use ledgerfleet_model::RunState;
    use ledgerfleet_wiring::{Opening, assemble};
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;
    use crate::running::watch::tests::report;

    #[test]
    fn the_slowest_connection_decides_with_all_that_it_serves_first() {
        let (ash, birch) = (ConnectionId::new(), ConnectionId::new());
        let left = |connection, segments, ahead| Remaining {
            connection,
            segments,
            ahead,
        };
        let rate = |id| Some(if id == ash { 8.0 } else { 2.0 });
        let takes = |remaining: &[Remaining], calls| seconds_left(remaining, calls, rate);
        assert_eq!(takes(&[left(ash, 800, 0)], 1.0), Some(100.0));
        assert_eq!(takes(&[left(ash, 800, 400)], 1.0), Some(150.0), "others first");
        assert_eq!(takes(&[left(ash, 800, 0), left(birch, 300, 0)], 1.0), Some(150.0));
        assert_eq!(takes(&[left(ash, 800, 0), left(birch, 10, 0)], 1.5), Some(150.0));
        assert_eq!(takes(&[], 1.0), None);
        assert_eq!(seconds_left(&[left(ash, 1, 0)], 1.0, |_| None), None);
    }

    #[tokio::test]
    async fn while_the_ledger_cannot_tell_the_last_count_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let inputs = Inputs {
            working_directory: directory.path().to_owned(),
            ..Inputs::default()
        };
        let settings = Settings::load(&inputs).unwrap();
        let parts = assemble(&settings, Opening::MayCreate).await.unwrap();
        let file = directory.path().join("ledgerfleet.db");
        let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        sqlx::query("ALTER TABLE fleet_segments RENAME TO elsewhere")
            .execute(&mut database)
            .await
            .unwrap();
        let before = Counted {
            at: Instant::now().checked_sub(COUNT_EVERY).unwrap(),
            took: Duration::ZERO,
            seconds: Some(1_000.0),
        };
        let mut estimate = Estimate {
            counted: Some(before),
        };
        let left = estimate
            .seconds(&parts, &[], &report(RunState::Active))
            .await
            .unwrap();
        assert!((900.0..=990.0).contains(&left), "{left}");
    }
}
