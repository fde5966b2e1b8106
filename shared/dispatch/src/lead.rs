//! Lead: all duties, until told to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_coordination::{Bell, Gate};
use ledgerfleet_ledger::{DispatchLimits, Leadership, Ledger, RescueScope};
use ledgerfleet_model::{Timings, WorkerName};
use ledgerfleet_telemetry::metrics;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{DutyError, close_runs, dispatch, open_gates, rescue};

/// Segments offered to workers at once, over all connections.
const OFFERED: usize = 2_000;

/// Dispatches follow each other no faster than this, however often the bell rings, so that a storm of settles
/// costs one reading of what is due and not one each.
const DISPATCH_SPACING: Duration = Duration::from_millis(20);

/// What the duties need.
#[derive(Debug, Clone)]
pub struct Duties {
    /// Which process leads; none where there is only one.
    pub leadership: Option<Leadership>,
    /// The truth.
    pub ledger: Arc<dyn Ledger>,
    /// What is ready now.
    pub bell: Arc<dyn Bell>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// Gate slots of a connection, by connector name.
    pub slots: HashMap<String, u32>,
    /// How often each duty is done.
    pub timings: Timings,
}

/// Does all duties until `shutdown`, in a fleet whenever this process is elected. A duty that fails is tried again at
/// its next turn.
pub async fn lead(duties: Duties, name: WorkerName, shutdown: CancellationToken) {
    let leading = async {
        match &duties.leadership {
            Some(leadership) => lead_when_elected(&duties, leadership, &name).await,
            None => do_all(&duties).await,
        }
    };
    if shutdown.run_until_cancelled(leading).await.is_none()
        && let Some(leadership) = &duties.leadership
        && let Err(error) = leadership.resign(&name).await
    {
        warn!(
            error = &error as &dyn std::error::Error,
            "the leadership ends by its lease"
        );
    }
    metrics::leading(false);
}

/// Stands for election for ever, and does the duties while elected.
async fn lead_when_elected(duties: &Duties, leadership: &Leadership, name: &WorkerName) {
    let mut health = Health::new("election");
    loop {
        match hold(duties, leadership, name).await {
            Ok(Some(term)) => {
                health.note(Ok(()));
                info!(term, "leading");
                metrics::leading(true);
                tokio::select! {
                    () = do_all(duties) => {}
                    lost = keep_leading(duties, leadership, name) => health.note(lost),
                }
                metrics::leading(false);
                info!(term, "no longer leading");
            }
            Ok(None) => health.note(Ok(())),
            Err(error) => health.note(Err(error)),
        }
        tokio::time::sleep(duties.timings.leadership() / 3).await;
    }
}

async fn hold(duties: &Duties, leadership: &Leadership, name: &WorkerName) -> Result<Option<i64>, DutyError> {
    Ok(leadership.hold(name, duties.timings.leadership()).await?)
}

/// Renews the lease; ends when another process has it or nobody can tell.
async fn keep_leading(duties: &Duties, leadership: &Leadership, name: &WorkerName) -> Result<(), DutyError> {
    loop {
        tokio::time::sleep(duties.timings.leadership() / 3).await;
        if hold(duties, leadership, name).await?.is_none() {
            return Ok(());
        }
    }
}

async fn do_all(duties: &Duties) {
    tokio::select! {
        () = keep_dispatching(duties) => {}
        () = keep_rescuing(duties) => {}
    }
}

/// Dispatches at every tick and every ring.
async fn keep_dispatching(duties: &Duties) {
    let mut health = Health::new("dispatch");
    loop {
        let next = Instant::now() + DISPATCH_SPACING;
        health.note(offer_or_close(duties).await);
        sleep_until(next).await;
        if let Err(unreachable) = duties.bell.rung(duties.timings.tick).await {
            health.note(Err(unreachable.into()));
            tokio::time::sleep(duties.timings.tick).await;
        }
    }
}

/// Offers what is due. Where nothing is, a run may have ended.
async fn offer_or_close(duties: &Duties) -> Result<(), DutyError> {
    let limits = DispatchLimits {
        slots: duties.slots.clone(),
        total: OFFERED,
    };
    open_gates(&*duties.ledger, &*duties.gate).await?;
    if dispatch(&*duties.ledger, &*duties.bell, &limits).await? == 0 {
        close_runs(&*duties.ledger).await?;
    }
    Ok(())
}

async fn keep_rescuing(duties: &Duties) {
    let mut health = Health::new("rescue");
    loop {
        tokio::time::sleep(duties.timings.rescue).await;
        health.note(rescue_and_close(duties).await);
    }
}

async fn rescue_and_close(duties: &Duties) -> Result<(), DutyError> {
    let (ledger, bell) = (&*duties.ledger, &*duties.bell);
    rescue(ledger, bell, RescueScope::Expired, &duties.timings).await?;
    close_runs(ledger).await.map(drop)
}

/// Logs a duty's failure once, when it begins, and its recovery once, however long it lasts.
struct Health {
    duty: &'static str,
    failing: bool,
}

impl Health {
    fn new(duty: &'static str) -> Self {
        Self { duty, failing: false }
    }

    fn note(&mut self, result: Result<(), DutyError>) {
        let failing = result.is_err();
        match result {
            Err(error) if !self.failing => {
                warn!(
                    duty = self.duty,
                    error = &error as &dyn std::error::Error,
                    "fails, and is tried again"
                );
            }
            Ok(()) if self.failing => info!(duty = self.duty, "works again"),
            _ => {}
        }
        self.failing = failing;
    }
}
