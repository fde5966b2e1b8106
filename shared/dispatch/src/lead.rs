//! Lead: all duties, until told to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{DispatchLimits, Ledger, RescueScope};
use ledgerfleet_model::Timings;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{DutyError, close_runs, dispatch, rescue};

/// Segments offered to workers at once, over all connections.
const OFFERED: usize = 2_000;

/// Dispatches follow each other no faster than this, however often the bell rings, so that a storm of settles
/// costs one reading of what is due and not one each.
const DISPATCH_SPACING: Duration = Duration::from_millis(20);

/// What the duties need to know.
#[derive(Debug, Clone)]
pub struct Duties {
    /// Gate slots of a connection, by connector name.
    pub slots: HashMap<String, u32>,
    /// How often each duty is done.
    pub timings: Timings,
}

/// Does all duties until `shutdown`. A duty that fails is tried again at its next turn.
pub async fn lead(ledger: Arc<dyn Ledger>, bell: Arc<dyn Bell>, duties: Duties, shutdown: CancellationToken) {
    let (ledger, bell) = (&*ledger, &*bell);
    let dispatching = keep_dispatching(ledger, bell, &duties);
    let rescuing = keep_rescuing(ledger, bell, &duties.timings);
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = dispatching => {}
        () = rescuing => {}
    }
}

/// Dispatches at every tick and every ring, and closes runs at every tick.
async fn keep_dispatching(ledger: &dyn Ledger, bell: &dyn Bell, duties: &Duties) {
    let limits = DispatchLimits {
        slots: duties.slots.clone(),
        total: OFFERED,
    };
    let mut health = Health::new("dispatch");
    loop {
        let next = Instant::now() + DISPATCH_SPACING;
        health.note(dispatch_and_close(ledger, bell, &limits).await);
        sleep_until(next).await;
        if let Err(unreachable) = bell.rung(duties.timings.tick).await {
            health.note(Err(unreachable.into()));
            tokio::time::sleep(duties.timings.tick).await;
        }
    }
}

async fn dispatch_and_close(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    limits: &DispatchLimits,
) -> Result<(), DutyError> {
    let offered = dispatch(ledger, bell, limits).await?;
    if offered == 0 {
        close_runs(ledger).await?;
    }
    Ok(())
}

async fn keep_rescuing(ledger: &dyn Ledger, bell: &dyn Bell, timings: &Timings) {
    let mut health = Health::new("rescue");
    loop {
        tokio::time::sleep(timings.rescue).await;
        let done = async {
            rescue(ledger, bell, RescueScope::Expired, timings).await?;
            close_runs(ledger).await.map(drop)
        };
        health.note(done.await);
    }
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
