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
//! least one. That is the time at the gates' full pace: a gate that was throttled, too few workers, or a slow upstream make
//! it longer. So what has ended while somebody watched tells, too, and the longer of both is told; nothing is, until enough
//! has ended to know a pace, nor of less than a second.

use std::time::{Duration, Instant};

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::{LedgerError, Remaining, RunReport};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState};
use ledgerfleet_wiring::Parts;
use tokio::time::timeout;

use super::patience::in_passing;

/// A count that takes longer is given up.
const COUNTING: Duration = Duration::from_secs(20);

/// What is left is counted anew this often; between, time passes.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// But so many times as long as counting takes lies between (of a million segments it takes a second), so that watching
/// does not become the main work.
const REST: u32 = 50;

/// A pace is known after this time, of as many segments.
const PACE_AFTER: Duration = Duration::from_secs(5);
const PACE_OF: u64 = 3;

/// An estimate that follows a run.
#[derive(Debug, Default)]
pub(crate) struct Estimate {
    counted: Option<Counted>,
    /// When the run was first looked at, and how many of its segments had ended then.
    first: Option<(Instant, u64)>,
}

/// What has ended of a run while somebody watched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    within: Duration,
    ended: u64,
    left: u64,
}

impl Pace {
    /// The seconds that are left at this pace; none while it is not known.
    fn seconds(self) -> Option<f64> {
        let is_known = self.within >= PACE_AFTER && self.ended >= PACE_OF;
        is_known.then(|| self.within.as_secs_f64() * as_number(self.left) / as_number(self.ended))
    }
}

/// The longer of both, where the pace is known.
fn longer(by_gates: Option<f64>, pace: Pace) -> Option<f64> {
    let by_pace = pace.seconds()?;
    Some(by_gates.map_or(by_pace, |seconds| seconds.max(by_pace))).filter(|seconds| *seconds >= 1.0)
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
    /// The seconds that are left, as far as anybody can tell.
    pub(crate) async fn seconds(
        &mut self,
        parts: &Parts,
        connections: &[Connection],
        report: &RunReport,
    ) -> Option<f64> {
        let ended = report.done + report.dead + report.cancelled;
        let (since, before) = *self.first.get_or_insert((Instant::now(), ended));
        let pace = Pace {
            within: since.elapsed(),
            ended: ended.saturating_sub(before),
            left: report.segments.saturating_sub(ended),
        };
        longer(self.by_gates(parts, connections, report).await, pace)
    }

    /// At the full pace of the gates. While the ledger cannot tell, the last count goes on.
    async fn by_gates(
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

/// The companies of which something of a run is left. A ledger that does not answer is told of elsewhere.
pub(crate) async fn with_something_left(
    parts: &Parts,
    connections: &[Connection],
    report: &RunReport,
) -> Option<Vec<Connection>> {
    let remaining = in_passing(parts.ledger.remaining(report.run_id)).await?;
    let is_left = |company: &&Connection| {
        remaining
            .iter()
            .any(|left| left.connection == company.id && left.segments > 0)
    };
    Some(connections.iter().filter(is_left).cloned().collect())
}

/// Whether all of these companies that work wait for calls of the next month.
pub(crate) async fn wait_for_calls(parts: &Parts, mut companies: Vec<Connection>) -> Option<bool> {
    companies.retain(|company| company.state == ConnectionState::Active);
    let exhausted = in_passing(parts.budget.exhausted(&companies)).await?;
    Some(!exhausted.is_empty() && exhausted.len() == companies.len())
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

    #[test]
    fn nothing_is_told_before_a_pace_is_known_and_then_the_longer_of_gates_and_pace() {
        for (seconds, ended, left, by_gates, told) in [
            // A first look, and an upstream of which nothing has come yet.
            (0, 0, 10, Some(0.0), None),
            (60, 0, 10, Some(0.0), None),
            (60, 2, 8, Some(0.8), None),
            (4, 100, 900, Some(90.0), None),
            // A slow upstream: the gates would let all of it pass at once.
            (60, 3, 7, Some(0.0), Some(140.0)),
            (60, 3, 7, None, Some(140.0)),
            // A pace that others had before it is theirs: the gates know better.
            (10, 100, 100, Some(300.0), Some(300.0)),
            // About to end.
            (60, 600, 1, Some(0.0), None),
        ] {
            let pace = Pace {
                within: Duration::from_secs(seconds),
                ended,
                left,
            };
            assert_eq!(longer(by_gates, pace), told, "{pace:?} {by_gates:?}");
        }
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
            first: None,
        };
        let left = estimate
            .by_gates(&parts, &[], &report(RunState::Active))
            .await
            .unwrap();
        assert!((900.0..=990.0).contains(&left), "{left}");
    }
}
