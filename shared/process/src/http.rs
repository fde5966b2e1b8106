//! HTTP: what a process shows of itself. `/livez` and `/health` say that it answers, `/readyz` that it can use its ledger,
//! its bell and its gate, or which of them it cannot, `/metrics` how the work goes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use ledgerfleet_connectors::{ConnectorEntry, REGISTRY};
use ledgerfleet_telemetry::metrics::{self, ConnectorLabels, InstallError, Recorder};
use ledgerfleet_wiring::Parts;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::gauges::Gauges;
use crate::readiness::Readiness;
use crate::serving::{Bounds, serve};
use crate::tls::{self, TlsError};

/// What the routes need.
#[derive(Debug, Clone)]
struct Shown {
    recorder: Recorder,
    readiness: Readiness,
    gauges: Gauges,
}

/// Starts recording metrics, with the series of every connector and entity there is, for as long as the runtime lives that
/// this is called in.
pub fn record_metrics() -> Result<Recorder, InstallError> {
    let labels = |entry: &'static ConnectorEntry| ConnectorLabels {
        connector: entry.name,
        entities: entry.entities.iter().map(|entity| entity.name).collect(),
    };
    let labels: Vec<ConnectorLabels> = REGISTRY.iter().map(labels).collect();
    let recorder = metrics::install(&labels)?;
    tokio::spawn(recorder.clone().keep_small());
    Ok(recorder)
}

/// A socket that is bound, so that a taken port is known before anything else begins.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
}

impl Listening {
    /// Binds.
    pub async fn on(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            tls: None,
        })
    }

    /// The same, through TLS with this certificate chain and key, which are PEM files.
    ///
    /// # Errors
    /// If a file does not hold what it is to hold, or the key is another certificate's.
    pub fn with_tls(self, chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let tls = Some(tls::config(chain, key)?);
        Ok(Self { tls, ..self })
    }

    /// Where it listens; with the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers these routes until `shutdown`, and finishes what is being answered then. A client that has sent half a
    /// request, or does not read, is not waited for.
    pub async fn serve(self, routes: Router, shutdown: CancellationToken) {
        let tls = self.tls.map(TlsAcceptor::from);
        serve((self.listener, tls), routes, Bounds::default(), shutdown).await;
    }
}

/// Health and metrics of a process, to be served alone or merged with routes of its own.
pub fn health_routes(parts: &Parts, recorder: Recorder) -> Router {
    let shown = Shown {
        readiness: Readiness::of(parts),
        gauges: Gauges::of(parts),
        recorder,
    };
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
    // What is tried tells of the dependencies; a fault is told by `/readyz`. Both at a time: one after the other, a ledger that
    // swallows what it is asked would take longer than Prometheus waits, and nobody would be told of it.
    let (_, read) = tokio::join!(shown.readiness.faults(), shown.gauges.read());
    if let Err(error) = read {
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
