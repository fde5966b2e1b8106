//! Readiness: whether this process could do its work now. Tried in every way that a worker uses the ledger and Redis,
//! because what answers is not yet what can be used: a ledger may be read-only, a user of Redis may lack rights.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_ledger::{Brake, BrakeScope};
use ledgerfleet_telemetry::metrics::{self, Dependency};
use ledgerfleet_wiring::Parts;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// An answer counts for this long, however many ask.
const FRESH: Duration = Duration::from_secs(1);

/// What does not answer within this time cannot be used.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the parts of a process can be used; asked at most once a second.
#[derive(Debug, Clone)]
pub struct Readiness {
    parts: Parts,
    known: Arc<Mutex<Option<Known>>>,
}

/// What was found out, and when.
#[derive(Debug, Clone)]
struct Known {
    at: Instant,
    faults: Vec<String>,
}

impl Readiness {
    /// Of these.
    pub fn of(parts: &Parts) -> Self {
        Self {
            parts: parts.clone(),
            known: Arc::default(),
        }
    }

    /// What cannot be used now, a line for each part; nothing if all can. Who asks while another one tries gets that
    /// one's answer.
    pub async fn faults(&self) -> Vec<String> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < FRESH) {
            return known.faults.clone();
        }
        let faults = try_all(&self.parts).await;
        tell_change(known.as_ref().map_or(&[], |known| &known.faults), &faults);
        *known = Some(Known {
            at: Instant::now(),
            faults: faults.clone(),
        });
        faults
    }
}

/// A change is told once, not every time that somebody asks.
fn tell_change(before: &[String], now: &[String]) {
    match (before.is_empty(), now.is_empty()) {
        (true, false) => tracing::warn!(faults = now.join("; "), "not ready"),
        (false, true) => tracing::info!("ready again"),
        _ => {}
    }
}

async fn try_all(parts: &Parts) -> Vec<String> {
    let ledger = async {
        let faults = tried("ledger", parts.ledger.check_writable()).await;
        faults.into_iter().collect()
    };
    let coordination = async {
        let bell = tried("bell", parts.bell.probe());
        let gate = tried("gate", async { parts.gate.is_new().await.map(drop) });
        let (bell, gate) = tokio::join!(bell, gate);
        bell.into_iter().chain(gate).collect()
    };
    // One process has no Redis: its bell and its gate are its own.
    let redis = parts.is_fleet().then_some(Dependency::Redis);
    let (ledger, coordination, ours): (Vec<String>, Vec<String>, Vec<String>) = tokio::join!(
        measured(Some(Dependency::Database), ledger),
        measured(redis, coordination),
        faults_of_ours(parts)
    );
    [ledger, coordination, ours].concat()
}

/// Tells of a dependency whether it has faults, and how long it took to find out.
async fn measured(dependency: Option<Dependency>, trying: impl Future<Output = Vec<String>>) -> Vec<String> {
    let began = Instant::now();
    let faults = trying.await;
    if let Some(dependency) = dependency {
        metrics::dependency_tried(dependency, faults.is_empty(), began.elapsed());
    }
    faults
}

/// What waits for a person of ours: tables that the database does not write to, keys of the app that an upstream does not
/// take. A ledger that does not answer is told of elsewhere.
async fn faults_of_ours(parts: &Parts) -> Vec<String> {
    let brakes = timeout(PATIENCE, parts.ledger.brakes()).await;
    let brakes = brakes.map(Result::unwrap_or_default).unwrap_or_default();
    let closed = brakes.into_iter().filter(Brake::is_closed);
    let told = closed.filter_map(|brake| match brake.scope {
        BrakeScope::Table(_) => Some(format!("ledger: {brake}")),
        BrakeScope::AppKeys { .. } => Some(format!("upstream: {brake}")),
        _ => None,
    });
    told.collect()
}

/// What is wrong with a part, if something is.
async fn tried<E: std::error::Error>(
    part: &str,
    trying: impl Future<Output = Result<(), E>>,
) -> Option<String> {
    match timeout(PATIENCE, trying).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{part}: {error}")),
        Err(_) => Some(format!("{part}: no answer within {} s", PATIENCE.as_secs())),
    }
}
