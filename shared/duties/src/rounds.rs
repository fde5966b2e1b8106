//! Rounds: the duties, each at its time, until the term is over.

use std::time::Duration;

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_telemetry::metrics;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::duty::{Context, Next, Round};
use crate::error::DutyError;
use crate::health::{Failed, Health};
use crate::list::DUTIES;
use crate::pulse::Pulse;

/// Dispatches follow each other no faster than this, however often the bell rings, so that a storm of settles
/// costs one reading of what is due and not one each.
const DISPATCH_SPACING: Duration = Duration::from_millis(20);

/// After a dispatch there is none for this many times as long as it took, but never longer than a tick: where there is so
/// much that it takes long, enough was offered, and the ledger has other things to do.
const DISPATCH_REST: u32 = 4;

/// Does all duties until the term is over. A round that fails is tried again at its next turn.
///
/// Only waiting is interrupted. A duty that has begun is finished: dropped, it would leave its locks to whenever the
/// database notices.
pub(crate) async fn keep_all(context: &Context, pulse: &Pulse, over: &CancellationToken) {
    tokio::join!(
        keep_dispatching(context, pulse, over),
        keep_rescuing(context, over),
        keep(context, Round::Hints, Duration::from_secs(1), over),
        keep(context, Round::Triggers, Duration::from_secs(1), over),
        keep(context, Round::Second, Duration::from_secs(1), over),
        keep(context, Round::Minute, Duration::from_mins(1), over),
        keep(context, Round::Hour, Duration::from_hours(1), over)
    );
}

/// One round of duties. Answers what follows the last that was done, or the first that failed.
async fn once(context: &Context, round: Round) -> Result<Next, Failed> {
    let patience = round.patience(&context.timings);
    let (mut next, mut failed) = (Next::GoOn, None);
    for duty in DUTIES.iter().filter(|duty| duty.rounds.contains(&round)) {
        match unless_silent(patience, (duty.work)(context)).await {
            Ok(done) => next = done,
            Err(error) => {
                failed.get_or_insert(Failed {
                    duty: duty.name,
                    error,
                });
            }
        }
        if next != Next::GoOn || failed.is_some() && round.is_a_chain() {
            break;
        }
    }
    failed.map_or(Ok(next), Err)
}

/// Does work for which the ledger has so long. What was begun by then, it undoes.
async fn unless_silent<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, DutyError>>,
) -> Result<T, DutyError> {
    let silent = || LedgerError::Unavailable("it does not answer".to_owned(), None);
    timeout(patience, work)
        .await
        .unwrap_or_else(|_| Err(silent().into()))
}

/// Does a round at once and then so often; after a tick where there is more to do.
async fn keep(context: &Context, round: Round, every: Duration, over: &CancellationToken) {
    let mut health = Health::default();
    loop {
        let done = once(context, round).await;
        let wait = match done {
            Ok(Next::Again) => context.timings.tick,
            _ => every,
        };
        health.note(done.map(drop));
        if pause(wait, over).await {
            return;
        }
    }
}

/// Dispatches at every tick and every ring.
async fn keep_dispatching(context: &Context, pulse: &Pulse, over: &CancellationToken) {
    let tick = context.timings.tick;
    let mut health = Health::default();
    loop {
        let began = Instant::now();
        let done = once(context, Round::Dispatch).await;
        if done.is_ok() {
            pulse.beat();
            metrics::dispatched_at(context.clock.now().timestamp_millis());
        }
        health.note(done.map(drop));
        let spacing = tokio::time::sleep_until(next_dispatch(began, Instant::now(), tick));
        let ring = async {
            spacing.await;
            context.bell.rung(tick).await
        };
        match over.run_until_cancelled(ring).await {
            None => return,
            Some(Ok(_)) => {}
            Some(Err(unreachable)) => {
                health.note(Err(Failed {
                    duty: "dispatch",
                    error: unreachable.into(),
                }));
                if pause(tick, over).await {
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

/// Rescues again and again, but not before workers had the time to renew their leases: where the ledger was away, or this
/// process slept (its machine was suspended, or it was stopped), leases are over whose attempts live.
async fn keep_rescuing(context: &Context, over: &CancellationToken) {
    let mut health = Health::default();
    let timings = &context.timings;
    let mut not_before = Instant::now() + timings.heartbeat * 2;
    loop {
        let lay_down = context.clock.now();
        if pause(timings.rescue, over).await {
            return;
        }
        let away = (context.clock.now() - lay_down).to_std().unwrap_or_default();
        let answers = unless_silent(timings.lease, look(context)).await;
        if answers.is_err() || away > timings.rescue * 3 {
            not_before = Instant::now() + timings.heartbeat * 2;
        }
        health.note(match answers {
            Err(error) => Err(Failed {
                duty: "rescue",
                error,
            }),
            Ok(()) if Instant::now() < not_before => Ok(()),
            Ok(()) => once(context, Round::Rescue).await.map(drop),
        });
    }
}

/// Whether the ledger answers.
async fn look(context: &Context) -> Result<(), DutyError> {
    Ok(context.ledger.next_due().await.map(drop)?)
}

/// Waits; true if it is over before the wait is.
pub(crate) async fn pause(wait: Duration, over: &CancellationToken) -> bool {
    over.run_until_cancelled(tokio::time::sleep(wait)).await.is_none()
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
