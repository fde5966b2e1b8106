//! Fleet: what every attempt of a worker shares.

use std::sync::OnceLock;

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::WorkerName;
use ledgerfleet_upstream::KnownLessons;
use ledgerfleet_wiring::Parts;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::braking::KnownBrakes;
use crate::connections::KnownConnections;
use crate::held::HeldClaims;

/// How a worker is run.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Attempts at once; at least 1.
    pub concurrency: usize,
    /// Its name, unique to this start of this process.
    pub name: WorkerName,
}

/// What every attempt of a worker shares.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) name: WorkerName,
    pub(crate) concurrency: usize,
    pub(crate) parts: Parts,
    pub(crate) held: HeldClaims,
    pub(crate) connections: KnownConnections,
    pub(crate) brakes: KnownBrakes,
    pub(crate) lessons: KnownLessons,
    /// Told to stop: nothing new is begun, pages in progress are finished.
    pub(crate) shutdown: CancellationToken,
    /// The time to finish is over: everything stops.
    pub(crate) drained: CancellationToken,
    /// Why this process can work for nobody, once that has turned out.
    unfit: OnceLock<String>,
}

impl Fleet {
    pub(crate) fn new(parts: &Parts, options: WorkerOptions, shutdown: CancellationToken) -> Self {
        Self {
            name: options.name,
            concurrency: options.concurrency.max(1),
            parts: parts.clone(),
            held: HeldClaims::default(),
            connections: KnownConnections::default(),
            brakes: KnownBrakes::default(),
            lessons: KnownLessons::default(),
            shutdown,
            drained: CancellationToken::new(),
            unfit: OnceLock::new(),
        }
    }

    /// Stops this worker, because it has the wrong master key: others may have the right one.
    pub(crate) fn stop_unfit(&self, why: &str) {
        if self.unfit.set(why.to_owned()).is_ok() {
            error!(
                why,
                "this worker has another master key than the fleet; it hands back what it holds and ends"
            );
        }
        self.shutdown.cancel();
    }

    /// Why this process can work for nobody.
    pub(crate) fn unfit(&self) -> Option<&str> {
        self.unfit.get().map(String::as_str)
    }

    /// What the ledger says of claims, if it says it in time: one that has gone silent is one that is away.
    pub(crate) async fn told<T>(
        &self,
        call: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let silent = |_| Err(LedgerError::Unavailable("it does not answer".to_owned(), None));
        let answered = timeout(self.parts.timings.claim_patience(), call).await;
        answered.unwrap_or_else(silent)
    }

    /// Tells the leader that the ledger has changed. A ring that is not heard costs one tick.
    pub(crate) async fn ring(&self) {
        if let Err(error) = self.parts.bell.ring().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the ring was not heard");
        }
    }
}
