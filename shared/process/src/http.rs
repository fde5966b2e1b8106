//! HTTP: what a process shows of itself. `/livez` and `/health` say that it answers, `/readyz` that it can use its ledger,
//! its bell and its gate, or which of them it cannot, `/metrics` how the work goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use ledgerfleet_connectors::{ConnectorEntry, REGISTRY};
use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::{DeadLetterCount, LedgerError};
use ledgerfleet_model::{FailureKind, Lane, SegmentState};
use ledgerfleet_telemetry::metrics::{self, ConnectorLabels, InstallError, Recorder};
use ledgerfleet_wiring::Parts;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::readiness::Readiness;
use crate::serving::{Bounds, serve};

/// The calls of a month are summed up this often at most: it is the one gauge whose cost grows with the month.
const SUM_CALLS_EVERY: Duration = Duration::from_mins(1);

/// What the routes need.
#[derive(Debug, Clone)]
struct Shown {
    parts: Parts,
    recorder: Recorder,
    readiness: Readiness,
    calls_summed_at: Arc<Mutex<Option<Instant>>>,
}

/// Why a look at the work failed.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("the ledger does not answer")]
    Ledger(#[from] LedgerError),
    #[error("the bell does not answer")]
    Bell(#[from] Unreachable),
}

/// Starts recording metrics, with the series of every connector and entity there is, for as long as the runtime lives that
/// this is called in.
pub fn record_metrics() -> Result<Recorder, InstallError> {
    let labels = |entry: &'static ConnectorEntry| ConnectorLabels {
        connector: entry.name,
        entities: entry.entities.iter().map(|entity| entity.name).collect(),
    };
    let labels: Vec<ConnectorLabels> = REGISTRY.iter().map(labels).collect();
    let recorder = metrics::install(&labels, env!("CARGO_PKG_VERSION"))?;
    tokio::spawn(recorder.clone().keep_small());
    Ok(recorder)
}

/// A socket that is bound, so that a taken port is known before anything else begins.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Binds.
    pub async fn on(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens; with the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, and finishes what is being answered then. A client that has sent half a request, or
    /// does not read, is not waited for.
    pub async fn serve(self, parts: Parts, recorder: Recorder, shutdown: CancellationToken) {
        let routes = routes(Shown {
            readiness: Readiness::of(&parts),
            calls_summed_at: Arc::default(),
            parts,
            recorder,
        });
        serve(self.listener, routes, Bounds::default(), shutdown).await;
    }
}

fn routes(shown: Shown) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/health", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(show_metrics))
        .with_state(shown)
}

async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    let faults = shown.readiness.faults().await;
    if faults.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, faults.join("\n") + "\n")
}

/// Gauges are read when they are asked for; a ledger that does not answer leaves them as they were.
async fn show_metrics(State(shown): State<Shown>) -> impl IntoResponse {
    if let Err(error) = look(&shown).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "gauges are not up to date"
        );
    }
    (
        [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
        shown.recorder.render(),
    )
}

async fn look(shown: &Shown) -> Result<(), LookError> {
    let parts = &shown.parts;
    let counts = parts.ledger.segment_counts().await?;
    for state in SegmentState::ALL {
        metrics::segments(*state, counts.by_state.get(state).copied().unwrap_or(0));
    }
    metrics::oldest_due(counts.oldest_due_seconds);
    for lane in Lane::ALL {
        metrics::ready(*lane, parts.bell.ready(*lane).await?);
    }
    parts.access.show_expiry(&parts.ledger.connections().await?);
    look_at_brakes(parts).await?;
    look_at_dead_letters(parts).await?;
    look_at_calls(shown).await
}

async fn look_at_brakes(parts: &Parts) -> Result<(), LookError> {
    let brakes = parts.ledger.brakes().await?;
    for scope in ["connection", "upstream", "table"] {
        let closed = brakes
            .iter()
            .filter(|brake| brake.is_closed() && brake.scope.kind() == scope);
        metrics::brakes(scope, closed.count() as u64);
    }
    Ok(())
}

async fn look_at_calls(shown: &Shown) -> Result<(), LookError> {
    let mut summed_at = shown.calls_summed_at.lock().await;
    if summed_at.is_some_and(|at| at.elapsed() < SUM_CALLS_EVERY) {
        return Ok(());
    }
    let calls = shown.parts.ledger.calls_this_month().await?;
    for entry in REGISTRY {
        metrics::calls_this_month(entry.name, calls.get(entry.name).copied().unwrap_or(0));
    }
    *summed_at = Some(Instant::now());
    Ok(())
}

async fn look_at_dead_letters(parts: &Parts) -> Result<(), LookError> {
    let counts = parts.ledger.dead_letter_counts().await?;
    for entry in REGISTRY {
        for reason in FailureKind::ALL {
            let is_it = |count: &&DeadLetterCount| count.connector == entry.name && count.reason == *reason;
            let count = counts.iter().find(is_it).map_or(0, |count| count.count);
            metrics::dead_letters(entry.name, *reason, count);
        }
    }
    metrics::replayed(parts.ledger.replayed_total().await?);
    Ok(())
}
