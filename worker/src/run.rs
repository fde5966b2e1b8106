//! Run: one worker, from its first claim to its last.

use std::sync::Arc;

use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use futures::FutureExt;
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_wiring::Parts;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attempt::attempt;
use crate::claiming::keep_claiming;
use crate::fleet::{Fleet, WorkerOptions};
use crate::heartbeat::keep_beating;
use crate::source::{Source, Work};

/// Why a worker stopped without being told to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The runtime of the attempts ended by itself.
    #[error("the worker's runtime failed: {0}")]
    Runtime(String),
    /// This process has another master key than the credentials are sealed with. What it had claimed is handed back.
    #[error("{0}")]
    WrongMasterKey(String),
}

/// Claims and carries segments until `shutdown`. Then finishes the pages in progress within the drain deadline,
/// hands the rest back and returns.
pub async fn run(
    parts: &Parts,
    options: WorkerOptions,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let fleet = Arc::new(Fleet::new(parts, options, shutdown.clone()));
    parts.access.check_spool().await;
    info!(worker = %fleet.name, concurrency = fleet.concurrency, "working");
    let stopped = CancellationToken::new();
    let beating = keep_beating(&fleet, stopped.clone());
    let draining = drain(&fleet, &stopped);
    let working = async {
        let ended = claim_and_carry(&fleet).await;
        stopped.cancel();
        ended
    };
    let (ended, (), ()) = tokio::join!(working, beating, draining);
    hand_back_rest(&fleet).await;
    info!(worker = %fleet.name, "stopped");
    match fleet.unfit() {
        Some(why) => Err(WorkerError::WrongMasterKey(why.to_owned())),
        None => ended,
    }
}

/// Claims until shutdown, and runs an attempt for each claim until the last has ended.
async fn claim_and_carry(fleet: &Arc<Fleet>) -> Result<(), WorkerError> {
    let (out, claimed) = mpsc::channel(fleet.concurrency);
    let runtime = WorkerBuilder::new(fleet.name.0.as_str())
        .backend(Source(claimed))
        .data(fleet.clone())
        .parallelize(tokio::spawn)
        .build(carry);
    // Boxed: the compiler cannot prove of the runtime's own type that it may move between threads.
    let running = runtime.run().boxed();
    let (ended, ()) = tokio::join!(running, keep_claiming(fleet, out, fleet.shutdown.clone()));
    ended.map_err(|error| WorkerError::Runtime(error.to_string()))
}

async fn carry(work: Work, fleet: Data<Arc<Fleet>>) {
    attempt(work, &fleet).await;
}

/// After shutdown, ends the drain when its time is over.
async fn drain(fleet: &Fleet, stopped: &CancellationToken) {
    let time_is_over = async {
        fleet.shutdown.cancelled().await;
        sleep(fleet.parts.timings.finishing()).await;
    };
    tokio::select! {
        () = stopped.cancelled() => {}
        () = time_is_over => {
            warn!("the time to finish is over; what is left is handed back");
            fleet.drained.cancel();
        }
    }
}

/// How often the last hand-back is tried, where the ledger is busy or away for a moment.
const HAND_BACK_TRIES: usize = 6;

/// Gives back what was claimed and never begun. What that is, the ledger knows best.
async fn hand_back_rest(fleet: &Fleet) {
    for _ in 0..HAND_BACK_TRIES {
        match try_hand_back(fleet).await {
            Ok(0) => return,
            Ok(segments) => {
                info!(segments, "handed back");
                return fleet.ring().await;
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "not handed back");
                if !error.is_passing() {
                    return;
                }
            }
        }
        sleep(fleet.parts.timings.tick).await;
    }
    warn!("rescue will find what is left");
}

async fn try_hand_back(fleet: &Fleet) -> Result<u64, LedgerError> {
    let rest = fleet.told(fleet.parts.ledger.held_by(&fleet.name)).await?;
    fleet.told(fleet.parts.ledger.hand_back(&rest)).await
}
