//! Gauges: what is read when the metrics are asked for. A ledger that does not answer leaves them as they were.
//!
//! What is true of the whole fleet is told by its leader alone, and the others show zero: a sum over all processes is the
//! fleet's number, whichever of them leads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_connectors::{ConnectorEntry, REGISTRY};
use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::{Brake, CompanyCalls, DeadLetterCount, LedgerError, SegmentCounts, Sessions};
use ledgerfleet_model::{Connection, ConnectionState, FailureKind, Lane, SegmentState};
use ledgerfleet_telemetry::metrics;
use ledgerfleet_wiring::Parts;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::disks;

/// Sums over a month, and over all that was ever read, are made this often at most.
const SUM_EVERY: Duration = Duration::from_mins(1);

/// Whoever asks for metrics gives up soon after; what takes longer is left for the next time.
const PATIENCE: Duration = Duration::from_secs(5);

/// What of the work can be told in numbers.
#[derive(Debug, Clone)]
pub(crate) struct Gauges {
    parts: Parts,
    before: Arc<Mutex<Before>>,
}

/// What was seen when the metrics were last asked for.
#[derive(Debug, Default)]
struct Before {
    summed_at: Option<Instant>,
    replayed: Option<u64>,
    led: bool,
}

/// Why a look at the work failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error("the ledger does not answer")]
    Ledger(#[from] LedgerError),
    #[error("the bell does not answer")]
    Bell(#[from] Unreachable),
    #[error("they took longer than {} s to read", PATIENCE.as_secs())]
    TooLong,
}

impl Gauges {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            parts: parts.clone(),
            before: Arc::default(),
        }
    }

    /// Reads all of them.
    pub(crate) async fn read(&self) -> Result<(), LookError> {
        let mut before = self.before.lock().await;
        let reading = timeout(PATIENCE, self.read_all(&mut before));
        reading.await.unwrap_or(Err(LookError::TooLong))
    }

    async fn read_all(&self, before: &mut Before) -> Result<(), LookError> {
        disks::show(&self.parts.places).await;
        let Sessions { idle, in_use, most } = self.parts.ledger.sessions();
        metrics::database_sessions(idle, in_use, most);
        let connections = self.parts.ledger.connections().await?;
        self.parts.access.show_expiry(&connections);
        self.count_replayed(before).await?;
        let leads = self.parts.leading.is_now();
        if leads {
            self.read_of_fleet(&connections, before).await?;
        } else if before.led {
            forget_fleet();
            before.summed_at = None;
        }
        before.led = leads;
        Ok(())
    }

    /// Every process looks, so that whoever leads next counts on from here; only the leader counts.
    async fn count_replayed(&self, before: &mut Before) -> Result<(), LookError> {
        let all = self.parts.ledger.replayed_total().await?;
        let new = all.saturating_sub(before.replayed.unwrap_or(all));
        if self.parts.leading.is_now() {
            metrics::replayed(new);
        }
        before.replayed = Some(all);
        Ok(())
    }

    async fn read_of_fleet(&self, connections: &[Connection], before: &mut Before) -> Result<(), LookError> {
        show_segments(&self.parts.ledger.segment_counts().await?);
        for lane in Lane::ALL {
            metrics::ready(*lane, self.parts.bell.ready(*lane).await?);
        }
        show_connections(connections);
        for entry in REGISTRY {
            self.show_gates(entry, connections);
        }
        show_brakes(&self.parts.ledger.brakes().await?);
        show_dead_letters(&self.parts.ledger.dead_letter_counts().await?);
        if before.summed_at.is_none_or(|at| at.elapsed() >= SUM_EVERY) {
            self.sum().await?;
            before.summed_at = Some(Instant::now());
        }
        Ok(())
    }

    fn show_gates(&self, entry: &'static ConnectorEntry, connections: &[Connection]) {
        let is_asked = |connection: &&Connection| {
            connection.connector == entry.name && connection.state == ConnectionState::Active
        };
        let (mut rate, mut slots) = (0.0, 0);
        for connection in connections.iter().filter(is_asked) {
            let limits = self.parts.gate_limits(connection, entry);
            rate += limits.requests_per_second;
            slots += u64::from(limits.slots);
        }
        metrics::gate_limits(entry.name, rate, slots);
    }

    async fn sum(&self) -> Result<(), LookError> {
        let calls = self.parts.ledger.calls_this_month().await?;
        let successes = self.parts.ledger.last_successes().await?;
        let syncs = self.parts.ledger.sync_sums(self.parts.sync_every()).await?;
        let hints = self.parts.ledger.hint_sums().await?;
        let last = hints.last_received_at.map_or(0, |at| at.timestamp());
        metrics::webhooks(last.try_into().unwrap_or(0), hints.waiting);
        let now = self.parts.ledger.clock().await?.now;
        for entry in REGISTRY {
            let sum = syncs.iter().find(|sum| sum.connector == entry.name);
            metrics::syncs(
                entry.name,
                sum.map_or(0, |sum| sum.lag_seconds),
                sum.map_or(0, |sum| sum.failing),
            );
            let mut used = calls.get(entry.name).copied().unwrap_or(0);
            if let Some(allowance) = self.parts.budget.allowance(entry.name) {
                let month = allowance.month_of(now);
                let calls_of = |companies: &[CompanyCalls]| -> u64 {
                    let of_it = companies.iter().filter(|company| company.connector == entry.name);
                    of_it.map(|company| company.calls).sum()
                };
                // Calls of companies for trials are told, too; they take nothing from what is left.
                used = calls_of(&self.parts.ledger.calls_between(month.start, month.end).await?);
                let metered = calls_of(&self.parts.budget.spent(month).await?);
                metrics::budget_remaining(allowance.left(metered));
            }
            metrics::calls_this_month(entry.name, used);
            let last = successes.get(entry.name).map_or(0, chrono::DateTime::timestamp);
            metrics::last_success(entry.name, last.try_into().unwrap_or(0));
        }
        Ok(())
    }
}

fn show_segments(counts: &SegmentCounts) {
    for state in SegmentState::ALL {
        metrics::segments(*state, counts.by_state.get(state).copied().unwrap_or(0));
    }
    metrics::oldest_due(counts.oldest_due_seconds);
}

fn show_connections(connections: &[Connection]) {
    let mut by_state: HashMap<&str, u64> = HashMap::new();
    for connection in connections {
        *by_state.entry(connection.state.as_str()).or_default() += 1;
    }
    for state in ConnectionState::ALL {
        metrics::connections(*state, by_state.get(state.as_str()).copied().unwrap_or(0));
    }
}

fn show_brakes(brakes: &[Brake]) {
    for scope in ["connection", "upstream", "app_keys", "entity", "table"] {
        let is_it = |brake: &&Brake| brake.is_closed() && brake.scope.kind() == scope;
        metrics::brakes(scope, brakes.iter().filter(is_it).count() as u64);
    }
}

fn show_dead_letters(counts: &[DeadLetterCount]) {
    for entry in REGISTRY {
        for reason in FailureKind::ALL {
            let is_it = |count: &&DeadLetterCount| count.connector == entry.name && count.reason == *reason;
            let count = counts.iter().find(is_it).map_or(0, |count| count.count);
            metrics::dead_letters(entry.name, *reason, count);
        }
    }
}

/// Another process tells of the fleet now.
fn forget_fleet() {
    show_segments(&SegmentCounts::default());
    for lane in Lane::ALL {
        metrics::ready(*lane, 0);
    }
    show_connections(&[]);
    show_brakes(&[]);
    show_dead_letters(&[]);
    metrics::webhooks(0, 0);
    for entry in REGISTRY {
        metrics::gate_limits(entry.name, 0.0, 0);
        metrics::calls_this_month(entry.name, 0);
        metrics::last_success(entry.name, 0);
        metrics::syncs(entry.name, 0, 0);
    }
}
