//! Upstream: a command's own questions to a company, through the same gate as the fleet's and with the same patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ledgerfleet_access::AccessToken;
use ledgerfleet_connectors::{Connector, ConnectorEntry, Target, connector_entry};
use ledgerfleet_coordination::{Closing, GateLimits, Reservation, Slot, Start, Unreachable};
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::outcome::outcome;
use ledgerfleet_model::retry::RETRIES;
use ledgerfleet_model::{Connection, Failure, FailureKind, Outcome};
use ledgerfleet_wiring::Parts;
use tokio::time::sleep;

/// One company's API.
#[derive(Debug)]
pub(crate) struct Upstream<'a> {
    parts: &'a Parts,
    pub(crate) connection: &'a Connection,
    pub(crate) entry: &'static ConnectorEntry,
    connector: Arc<dyn Connector>,
    limits: GateLimits,
    calls: AtomicU32,
}

impl<'a> Upstream<'a> {
    /// None if this program lacks the company's connector.
    pub(crate) fn of(parts: &'a Parts, connection: &'a Connection) -> Option<Self> {
        let entry = connector_entry(&connection.connector)?;
        Some(Self {
            parts,
            connection,
            entry,
            connector: Arc::clone(parts.connectors.get(entry.name)?),
            limits: parts.gate_limits(connection, entry),
            calls: AtomicU32::new(0),
        })
    }

    /// Asks until there is an answer: waits while the company throttles or its API is away, and gives up where a
    /// worker would, after five retries or at once.
    pub(crate) async fn ask<T>(
        &self,
        question: impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut failures = 0;
        loop {
            let failure = match self.ask_once(&question).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let next = outcome(&failure, failures, &self.parts.timings, &mut rand::rng());
            let wait = match next {
                Outcome::Later { wait } => wait,
                Outcome::Retry { wait } if failures < RETRIES => {
                    failures += 1;
                    wait
                }
                _ => return Err(failure),
            };
            if failure.kind == FailureKind::Throttled {
                let closing = failure.retry_after.map_or(Closing::Guessed(wait), Closing::Told);
                let closed = self
                    .parts
                    .gate
                    .close(self.connection.id, &self.limits, closing)
                    .await;
                closed.map_err(unreachable)?;
            }
            sleep(wait).await;
        }
    }

    /// Counts the metered calls since the last time, as those of `entity`.
    pub(crate) async fn count_calls(&self, entity: &str) -> Result<u32, LedgerError> {
        let calls = self.calls.swap(0, Ordering::Relaxed);
        if calls > 0 {
            self.parts
                .ledger
                .count_calls(self.connection.id, entity, calls)
                .await?;
        }
        Ok(calls)
    }

    /// Asks once; only an access that is refused is renewed, once.
    pub(crate) async fn ask_once<T>(
        &self,
        question: &impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let access = self.parts.access.token(self.connection).await?;
        match self.request(question, &access).await {
            Err(failure) if failure.kind == FailureKind::Unauthorised => {
                self.parts.access.refused(self.connection.id, &access).await;
                let access = self.parts.access.token(self.connection).await?;
                self.request(question, &access).await
            }
            answer => answer,
        }
    }

    async fn request<T>(
        &self,
        question: &impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
        access: &AccessToken,
    ) -> Result<T, Failure> {
        let target = Target {
            account: &self.connection.account,
            environment: self.connection.environment,
            access: access.secret(),
        };
        let slot = self.pass_gate().await.map_err(unreachable)?;
        let answer = tokio::select! {
            answer = question(&*self.connector, target) => answer,
            () = self.lost(slot) => Err(Failure::new(
                FailureKind::CoordinationUnavailable,
                "the gate's slot was lost while the upstream was asked",
            )),
        };
        // What is not given back ends by its time to live.
        let _ = self.parts.gate.finish(slot).await;
        let status = answer
            .as_ref()
            .map_or_else(|failure| failure.status, |_| Some(200));
        if status.is_some_and(|status| (200..300).contains(&status)) {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    async fn pass_gate(&self) -> Result<Slot, Unreachable> {
        let (gate, id, limits) = (&self.parts.gate, self.connection.id, &self.limits);
        loop {
            match gate.reserve(id, limits, self.parts.timings.request).await? {
                Reservation::Booked(wait) => sleep(wait).await,
                Reservation::TooLong(wait) => {
                    sleep(wait).await;
                    continue;
                }
            }
            match gate.start(id, limits).await? {
                Start::Go(slot) => return Ok(slot),
                Start::NoSlot => sleep(limits.interval()).await,
                Start::Closed(wait) => sleep(wait).await,
            }
        }
    }

    /// Renews a slot for as long as it can be; ends when it is lost.
    async fn lost(&self, slot: Slot) {
        loop {
            sleep(self.parts.timings.lock_renewal).await;
            if !matches!(self.parts.gate.renew(slot, &self.limits).await, Ok(true)) {
                return;
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "its callers are `map_err`")]
fn unreachable(error: Unreachable) -> Failure {
    Failure::new(FailureKind::CoordinationUnavailable, error.to_string())
}
