//! Source: hands claims to apalis.
//!
//! apalis runs the attempts; it keeps no queue, no retries and no acknowledgements of ours. What is due, tried and
//! done is the ledger's to know, so this backend is nothing but the receiving end of a channel.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::{RandomId, TaskId};
use apalis_core::worker::context::WorkerContext;
use ledgerfleet_ledger::Claim;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tracing::debug;

/// A claim with the right to run it.
#[derive(Debug)]
pub(crate) struct Work {
    /// What to do.
    pub(crate) claim: Claim,
    /// The local instant at which the claim was answered; the ledger's time is counted on from it.
    pub(crate) answered_at: Instant,
    /// How long the ledger took to answer.
    pub(crate) claimed_in: Duration,
    /// How many were claimed together.
    pub(crate) claimed_with: usize,
    /// The permits it occupies: one, or all of the worker's for a suspect, which runs alone.
    #[expect(dead_code, reason = "held for its drop, which frees the place")]
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The receiving end of the channel from `claiming`.
#[derive(Debug)]
pub(crate) struct Source(pub(crate) mpsc::Receiver<Work>);

impl Backend for Source {
    type Task = Task<Work>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|work| work.map(|work| Ok(task_of(work))))
    }

    /// Called when every attempt has ended. The runtime would wait here for a word to stop, however dry the source.
    fn poll_close(&mut self, _: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if let Err(error) = worker.stop() {
            debug!(
                error = &error as &dyn std::error::Error,
                "the runtime had stopped already"
            );
        }
        Poll::Ready(Ok(()))
    }
}

/// apalis panics on a task without an id, and keeps tasks by it; attempts of one segment differ by their epoch.
fn task_of(work: Work) -> Task<Work> {
    let id = TaskId::from_string(format!("{}-{}", work.claim.segment, work.claim.standing.epoch));
    TaskBuilder::new(work).task_id(id).build()
}

impl BackendConfig for Source {
    type Args = Work;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        Identity::new()
    }
}
