//! Fetch: one request to the upstream, with the gate's leave.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ledgerfleet_access::AccessToken;
use ledgerfleet_connectors::{
    Charges, Connector, ConnectorEntry, CountRequest, EntitySpec, Page, PageRequest, Target,
};
use ledgerfleet_coordination::{GateLimits, NoPassage, Passage, Slot};
use ledgerfleet_ledger::Claim;
use ledgerfleet_model::{Connection, Failure, FailureKind, Served};
use ledgerfleet_telemetry::{metrics, traces};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::gate_time::GateTime;
use crate::keeper::Keeper;
use crate::run::Fleet;
use crate::watchdog::Watchdog;

/// Everything that the requests of one attempt have in common.
#[derive(Debug)]
pub(crate) struct Fetcher<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) claim: &'a Claim,
    pub(crate) answered_at: Instant,
    pub(crate) entry: &'static ConnectorEntry,
    pub(crate) connection: Arc<Connection>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) entity: &'static EntitySpec,
    pub(crate) limits: GateLimits,
    pub(crate) at_gate: GateTime,
    pub(crate) charges: Charges,
}

/// A page and when it was asked for.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) page: Page,
    /// What was asked, as text.
    pub(crate) request: String,
    /// The ledger's time just before the request was sent.
    pub(crate) observed_at: DateTime<Utc>,
}

/// What an attempt keeps while it asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) watchdog: &'a Watchdog,
}

/// Asks with the gate's leave; answers what came and the ledger's time just before it was asked for. An access that is
/// refused is renewed once, and the question put once more. (A macro, because no type says that the futures of a closure
/// may move between threads.)
macro_rules! ask {
    ($fetcher:ident, $page:expr, $keeping:expr, |$target:ident| $question:expr) => {{
        let mut access = $fetcher.access().await?;
        let mut repeated = false;
        loop {
            $fetcher.pass_gate($keeping).await?;
            let observed_at = $fetcher.ledger_now();
            let $target = $fetcher.target(&access);
            let answer = $fetcher.observed($page, $question).await;
            $fetcher.leave_gate($keeping).await;
            match answer {
                Err(failure) if failure.kind == FailureKind::Unauthorised && !repeated => {
                    repeated = true;
                    access = $fetcher.renewed(&access).await?;
                }
                answer => break answer.map(|answer| (answer, observed_at)),
            }
        }
    }};
}

impl Fetcher<'_> {
    /// Fetches a page, the window's `number`th.
    pub(crate) async fn page(
        &self,
        request: PageRequest<'_>,
        number: u32,
        keeping: Keeping<'_>,
    ) -> Result<Fetched, Failure> {
        let (page, observed_at) = ask!(self, Some(number), keeping, |target| self
            .connector
            .page(&target, &request))?;
        Ok(Fetched {
            page,
            request: self.connector.describe(&request),
            observed_at,
        })
    }

    /// Asks the source for the number of rows in the window; of those only that have changed since, where an instant is
    /// given.
    pub(crate) async fn count(
        &self,
        changed_since: Option<DateTime<Utc>>,
        keeping: Keeping<'_>,
    ) -> Result<u64, Failure> {
        let request = CountRequest {
            entity: self.entity,
            window: &self.claim.window,
            changed_since,
        };
        let counted = ask!(self, None, keeping, |target| self
            .connector
            .count(&target, &request));
        counted.map(|(count, _)| count)
    }

    /// Asks the source for one record by its id; tells also when.
    pub(crate) async fn record(
        &self,
        id: &str,
        keeping: Keeping<'_>,
    ) -> Result<(Option<Served>, DateTime<Utc>), Failure> {
        ask!(self, None, keeping, |target| self.connector.record(
            &target,
            self.entity,
            id
        ))
    }

    /// Asks the source who the company is, at the one address that every company has.
    pub(crate) async fn identify(&self, keeping: Keeping<'_>) -> Result<String, Failure> {
        let named = ask!(self, None, keeping, |target| self.connector.identify(&target));
        named.map(|(name, _)| name)
    }

    /// The ledger's clock now, never ahead of it: counted on from the answer to the claim.
    pub(crate) fn ledger_now(&self) -> DateTime<Utc> {
        self.claim.claimed_at + self.answered_at.elapsed()
    }

    fn target<'t>(&'t self, access: &'t AccessToken) -> Target<'t> {
        Target {
            account: &self.connection.account,
            environment: self.connection.environment,
            access: access.secret(),
            charges: &self.charges,
        }
    }

    async fn access(&self) -> Result<AccessToken, Failure> {
        Ok(self.fleet.parts.access.token(&self.connection).await?)
    }

    async fn renewed(&self, refused: &AccessToken) -> Result<AccessToken, Failure> {
        self.fleet.parts.access.refused(self.connection.id, refused).await;
        self.access().await
    }

    /// Counts, times and traces a request: for a page, or, without a number, for a count.
    async fn observed<T>(
        &self,
        page: Option<u32>,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let _in_flight = metrics::request_in_flight(self.entry.name);
        let began = Instant::now();
        let answer = traces::within(traces::request(self.entry.name, page), request).await;
        let status = answer
            .as_ref()
            .map_or_else(|failure| failure.status, |_| Some(200));
        metrics::request_ended(self.entry.name, status, began.elapsed());
        answer
    }

    /// Waits for the gate and takes a slot, which the keeper renews until [`Fetcher::leave_gate`].
    async fn pass_gate(&self, keeping: Keeping<'_>) -> Result<(), Failure> {
        let began = Instant::now();
        let waiting = (keeping.watchdog.waiting(), self.at_gate.wait());
        let granted = async {
            tokio::select! {
                granted = self.granted() => granted,
                () = self.fleet.shutdown.cancelled() => Err(stopping()),
            }
        };
        let granted = traces::within(traces::gate(), granted).await;
        drop(waiting);
        metrics::gate_waited(self.entry.name, began.elapsed());
        keeping.keeper.put_slot(granted?);
        Ok(())
    }

    async fn leave_gate(&self, keeping: Keeping<'_>) {
        let Some(slot) = keeping.keeper.take_slot() else {
            return;
        };
        if let Err(error) = self.fleet.parts.gate.finish(slot).await {
            debug!(
                error = &error as &dyn std::error::Error,
                "a slot was not freed; it ends by itself"
            );
        }
    }

    async fn granted(&self) -> Result<Slot, Failure> {
        let timings = &self.fleet.parts.timings;
        let passage = Passage {
            gate: &*self.fleet.parts.gate,
            connection: self.connection.id,
            limits: &self.limits,
            patience: timings.gate_patience(),
            staleness: timings.grant_staleness,
            distance: &self.fleet.distance,
        };
        passage.pass().await.map_err(|refused| {
            if let NoPassage::TooLate(_) = refused {
                warn!(
                    error = &refused as &dyn std::error::Error,
                    "no request can be sent"
                );
            }
            refused.into()
        })
    }
}

pub(crate) fn stopping() -> Failure {
    Failure::new(FailureKind::Shutdown, "the worker is stopping")
}
