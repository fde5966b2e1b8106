//! Lead: all duties, until told to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_coordination::{Bell, Gate, Unreachable};
use ledgerfleet_ledger::{DispatchLimits, Leadership, Ledger, LedgerError, RescueScope};
use ledgerfleet_model::{Clock, Timings, WorkerName};
use ledgerfleet_telemetry::metrics;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::pulse::Pulse;
use crate::{DutyError, Leading, bring_back, close_runs, dispatch, open_gates, prune, rescue, stop_replays};

/// Segments offered to workers at once, over all connections.
const OFFERED: usize = 2_000;

/// Dispatches follow each other no faster than this, however often the bell rings, so that a storm of settles
/// costs one reading of what is due and not one each.
const DISPATCH_SPACING: Duration = Duration::from_millis(20);

/// After a dispatch there is none for this many times as long as it took, but never longer than a tick: where there is so
/// much that it takes long, enough was offered, and the ledger has other things to do.
const DISPATCH_REST: u32 = 4;

/// How often to look for what a clock that was ahead has put off.
const BRING_BACK_EVERY: Duration = Duration::from_mins(1);

/// How often there is anything worth pruning.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// What the duties need.
#[derive(Debug, Clone)]
pub struct Duties {
    /// Which process leads; none where there is only one.
    pub leadership: Option<Leadership>,
    /// Told whether this process does.
    pub leading: Leading,
    /// The truth.
    pub ledger: Arc<dyn Ledger>,
    /// What is ready now.
    pub bell: Arc<dyn Bell>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// Gate slots of a connection, by connector name.
    pub slots: HashMap<String, u32>,
    /// The time of day, which goes on while the machine sleeps.
    pub clock: Arc<dyn Clock>,
    /// How often each duty is done.
    pub timings: Timings,
}

/// Does all duties until `shutdown`, in a fleet whenever this process is elected. A duty that fails is tried again at
/// its next turn.
///
/// Only waiting is interrupted. A duty that has begun is finished: dropped, it would leave its locks to whenever the
/// database notices.
pub async fn lead(duties: Duties, name: WorkerName, shutdown: CancellationToken) {
    if let Some(leadership) = &duties.leadership {
        lead_when_elected(&duties, leadership, &name, &shutdown).await;
        if let Err(error) = leadership.resign(&name).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the leadership ends by its lease"
            );
        }
    } else {
        duties.leading.set(true);
        do_all(&duties, &Pulse::begin(), &shutdown).await;
    }
    duties.leading.set(false);
}

/// Stands for election until `shutdown`, and does the duties while elected. A leader needs Redis as much as the database:
/// who cannot use both does not stand, and who cannot dispatch any more gives the leadership away.
async fn lead_when_elected(
    duties: &Duties,
    leadership: &Leadership,
    name: &WorkerName,
    shutdown: &CancellationToken,
) {
    let mut health = Health::new("election");
    loop {
        let mut rest = duties.timings.leadership() / 3;
        match stand(duties, leadership, name).await {
            Ok(Some(term)) => {
                health.note(Ok(()));
                info!(term, "leading");
                duties.leading.set(true);
                let (over, pulse) = (shutdown.child_token(), Pulse::begin());
                let leading = async {
                    let lost = keep_leading(duties, leadership, name, &pulse, &over).await;
                    over.cancel();
                    lost
                };
                let ((), lost) = tokio::join!(do_all(duties, &pulse, &over), leading);
                if matches!(lost, Err(DutyError::NotDispatched(_))) {
                    // Others look at every third of a lease whether they can lead.
                    rest = duties.timings.leadership();
                }
                health.note(lost);
                duties.leading.set(false);
                info!(term, "no longer leading");
            }
            Ok(None) => health.note(Ok(())),
            Err(error) => health.note(Err(error)),
        }
        if pause(rest, shutdown).await {
            return;
        }
    }
}

/// Takes the leadership if it is free, and if this process could use it.
async fn stand(
    duties: &Duties,
    leadership: &Leadership,
    name: &WorkerName,
) -> Result<Option<i64>, DutyError> {
    can_offer(duties).await?;
    hold(duties, leadership, name).await
}

/// Whether bell and gate can be used in every way that a dispatch uses them.
async fn can_offer(duties: &Duties) -> Result<(), DutyError> {
    let asked = async {
        duties.bell.probe().await?;
        duties.gate.is_new().await.map(drop)
    };
    let silent = |_| Err(Unreachable("no answer".to_owned()));
    let patience = duties.timings.dispatch_patience();
    Ok(timeout(patience, asked).await.unwrap_or_else(silent)?)
}

async fn hold(duties: &Duties, leadership: &Leadership, name: &WorkerName) -> Result<Option<i64>, DutyError> {
    Ok(leadership.hold(name, duties.timings.leadership()).await?)
}

/// Renews the lease; ends when the term is over, another process has the lease, or nobody can tell. Resigns when nothing
/// was dispatched for too long; duties under way are not waited for, because two may do them at once.
async fn keep_leading(
    duties: &Duties,
    leadership: &Leadership,
    name: &WorkerName,
    pulse: &Pulse,
    over: &CancellationToken,
) -> Result<(), DutyError> {
    while !pause(duties.timings.leadership() / 3, over).await {
        let age = pulse.age();
        if age > duties.timings.dispatch_patience() {
            leadership.resign(name).await?;
            return Err(DutyError::NotDispatched(age));
        }
        if hold(duties, leadership, name).await?.is_none() {
            break;
        }
        leadership.note_dispatch(name, age).await?;
    }
    Ok(())
}

async fn do_all(duties: &Duties, pulse: &Pulse, over: &CancellationToken) {
    tokio::join!(
        keep_dispatching(duties, pulse, over),
        keep_rescuing(duties, over),
        keep_bringing_back(duties, over),
        keep_pruning(duties, over)
    );
}

/// Dispatches at every tick and every ring.
async fn keep_dispatching(duties: &Duties, pulse: &Pulse, over: &CancellationToken) {
    let mut health = Health::new("dispatch");
    loop {
        let began = Instant::now();
        let offered = unless_silent(duties, offer_or_close(duties)).await;
        if offered.is_ok() {
            pulse.beat();
            metrics::dispatched_at(duties.clock.now().timestamp_millis());
        }
        health.note(offered);
        let spacing = tokio::time::sleep_until(next_dispatch(began, Instant::now(), duties.timings.tick));
        let ring = async {
            spacing.await;
            duties.bell.rung(duties.timings.tick).await
        };
        match over.run_until_cancelled(ring).await {
            None => return,
            Some(Ok(_)) => {}
            Some(Err(unreachable)) => {
                health.note(Err(unreachable.into()));
                if pause(duties.timings.tick, over).await {
                    return;
                }
            }
        }
    }
}

/// When the next dispatch may begin.
fn next_dispatch(began: Instant, ended: Instant, tick: Duration) -> Instant {
    let rest = ((ended - began) * DISPATCH_REST).min(tick);
    (began + DISPATCH_SPACING).max(ended + rest)
}

/// Offers what is due, less what a stopped replay takes back. Where nothing is due, a run may have ended.
async fn offer_or_close(duties: &Duties) -> Result<(), DutyError> {
    let limits = DispatchLimits {
        slots: duties.slots.clone(),
        total: OFFERED,
    };
    open_gates(&*duties.ledger, &*duties.gate).await?;
    stop_replays(&*duties.ledger, &*duties.bell).await?;
    if dispatch(&*duties.ledger, &*duties.bell, &limits).await? == 0 {
        close_runs(&*duties.ledger).await?;
    }
    Ok(())
}

/// Rescues again and again, but not before workers had the time to renew their leases: where the ledger was away, or this
/// process slept (its machine was suspended, or it was stopped), leases are over whose attempts live.
async fn keep_rescuing(duties: &Duties, over: &CancellationToken) {
    let mut health = Health::new("rescue");
    let timings = &duties.timings;
    let mut not_before = Instant::now() + timings.heartbeat * 2;
    loop {
        let lay_down = duties.clock.now();
        if pause(timings.rescue, over).await {
            return;
        }
        let away = (duties.clock.now() - lay_down).to_std().unwrap_or_default();
        let answers = unless_silent(duties, look(duties)).await;
        if answers.is_err() || away > timings.rescue * 3 {
            not_before = Instant::now() + timings.heartbeat * 2;
        }
        if answers.is_err() || Instant::now() < not_before {
            health.note(answers);
            continue;
        }
        health.note(unless_silent(duties, rescue_and_close(duties)).await);
    }
}

/// Looks at once, and then every minute, for what a clock that was ahead has left: it is set right while a process runs.
async fn keep_bringing_back(duties: &Duties, over: &CancellationToken) {
    let mut health = Health::new("bring back");
    loop {
        let brought = async { bring_back(&*duties.ledger, &*duties.bell).await.map(drop) };
        health.note(unless_silent(duties, brought).await);
        if pause(BRING_BACK_EVERY, over).await {
            return;
        }
    }
}

/// Prunes at once and then every hour, a batch each tick while there is more.
async fn keep_pruning(duties: &Duties, over: &CancellationToken) {
    let mut health = Health::new("prune");
    loop {
        let mut more = false;
        let pruned = async {
            more = prune(&*duties.ledger).await?;
            Ok(())
        };
        health.note(unless_silent(duties, pruned).await);
        let wait = if more { duties.timings.tick } else { PRUNE_EVERY };
        if pause(wait, over).await {
            return;
        }
    }
}

/// Whether the ledger answers.
async fn look(duties: &Duties) -> Result<(), DutyError> {
    Ok(duties.ledger.next_due().await.map(drop)?)
}

/// A duty that hears nothing for a lease has failed: a ledger that is silent is away. What it had begun, the ledger
/// undoes.
async fn unless_silent(
    duties: &Duties,
    duty: impl Future<Output = Result<(), DutyError>>,
) -> Result<(), DutyError> {
    let silent = || LedgerError::Unavailable("it does not answer".to_owned(), None);
    timeout(duties.timings.lease, duty)
        .await
        .unwrap_or_else(|_| Err(silent().into()))
}

/// Waits; true if it is over before the wait is.
async fn pause(wait: Duration, over: &CancellationToken) -> bool {
    over.run_until_cancelled(tokio::time::sleep(wait)).await.is_none()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatches_that_take_long_leave_the_ledger_to_others_and_quick_ones_follow_a_storm_of_rings() {
        let (began, tick) = (Instant::now(), Duration::from_millis(500));
        let after = |took| {
            let took = Duration::from_millis(took);
            (next_dispatch(began, began + took, tick) - began).as_millis()
        };
        assert_eq!([0, 2, 4, 10, 100, 300].map(after), [20, 20, 20, 50, 500, 800]);
    }
}
