//! Claiming: takes free places, pops ids from the bell, claims them in the ledger and hands them on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Claim, Held, LedgerError};
use ledgerfleet_model::SegmentId;
use ledgerfleet_telemetry::metrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::fleet::Fleet;
use crate::hearing::Hearing;
use crate::held::held;
use crate::source::Work;

/// How long one wait at the bell lasts; it must be less than the response timeout of a remote one.
const POP_PATIENCE: Duration = Duration::from_secs(2);

/// How long new claims are held back so that a suspect may come to be alone, and how long after that they are not. Attempts
/// mostly end within seconds; one that is stuck must not keep the worker from all other work.
const ALONE_WITHIN: Duration = Duration::from_secs(2);
const BETWEEN_TRIES: Duration = Duration::from_secs(10);

/// So often the ledger has to say what is ours after a claim that it did not answer: a server that stood still carries the
/// statement out at the moment in which it answers again.
const SAID: u32 = 2;

/// Claims work and sends it to `out` until `shutdown`; then `out` is dropped, which ends the runtime.
///
/// Only waiting is interrupted. A claim that has been sent to the ledger is waited for, as long as what it brings would be
/// worth something: dropped, it may take effect, and until its lease is over nobody would know of it. So after one that was
/// not answered the ledger is asked what is ours.
pub(crate) async fn keep_claiming(fleet: &Fleet, out: mpsc::Sender<Work>, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(fleet.concurrency));
    let mut hearing = Hearing::default();
    let mut ready = async || {
        let permits = free_places(&places).await;
        let ids = pop(fleet, permits.num_permits(), &mut hearing).await;
        (permits, ids)
    };
    let mut doubt = Doubt::default();
    let mut suspects = Suspects::default();
    while let Some((permits, ids)) = shutdown.run_until_cancelled(ready()).await {
        doubt.resolve(fleet).await;
        let claimed = claim(fleet, &ids, &mut doubt).await;
        let handing = async {
            hand_on(claimed, permits, &mut suspects, &out).await;
            suspects.begin_one(fleet, &places, &out).await;
        };
        // What is not handed on when it is interrupted is still held, and handed back at the end.
        if shutdown.run_until_cancelled(handing).await.is_none() {
            return;
        }
    }
}

/// What one question to the ledger has brought.
#[derive(Debug)]
struct Claimed {
    claims: Vec<Claim>,
    answered_at: Instant,
    took: Duration,
}

impl Claimed {
    fn since(asked_at: Instant, claims: Vec<Claim>) -> Self {
        Self {
            claims,
            answered_at: Instant::now(),
            took: asked_at.elapsed(),
        }
    }
}

/// Waits for a free place and takes all that are free.
async fn free_places(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    let mut permits = take(places, 1).await;
    if let Ok(rest) = places
        .clone()
        .try_acquire_many_owned(count(places.available_permits()))
    {
        permits.merge(rest);
    }
    permits
}

async fn take(places: &Arc<Semaphore>, many: usize) -> OwnedSemaphorePermit {
    match places.clone().acquire_many_owned(count(many)).await {
        Ok(permits) => permits,
        // The semaphore is never closed; if it were, no place would ever be free.
        Err(_) => std::future::pending().await,
    }
}

fn count(permits: usize) -> u32 {
    u32::try_from(permits).unwrap_or(u32::MAX)
}

async fn pop(fleet: &Fleet, most: usize, hearing: &mut Hearing) -> Vec<SegmentId> {
    let popped = fleet.parts.bell.pop(most, POP_PATIENCE).await;
    hearing.note(popped.as_ref().err());
    if popped.is_err() {
        sleep(fleet.parts.timings.tick).await;
    }
    popped.unwrap_or_default()
}

/// Claims what of `ids` can be claimed. The leases are counted from before the question, so that we never believe
/// in one for longer than the ledger does.
async fn claim(fleet: &Fleet, ids: &[SegmentId], doubt: &mut Doubt) -> Claimed {
    let asked_at = Instant::now();
    if ids.is_empty() {
        return Claimed::since(asked_at, Vec::new());
    }
    reach(Point::AfterDequeue, "").await;
    let lease = fleet.parts.timings.lease;
    let asking = fleet.parts.ledger.claim(ids, &fleet.name, lease);
    match fleet.told(asking).await {
        Ok(claims) => {
            for claim in &claims {
                fleet.held.enter(held(claim), asked_at, lease);
            }
            let claimed = Claimed::since(asked_at, claims);
            note_skew(fleet, &claimed);
            claimed
        }
        Err(error) => {
            warn!(error = &error as &dyn std::error::Error, "claiming failed");
            doubt.begin();
            sleep(fleet.parts.timings.tick).await;
            Claimed::since(asked_at, Vec::new())
        }
    }
}

/// Shows how far this machine's clock is from the ledger's, which stamped the claims between question and answer.
fn note_skew(fleet: &Fleet, claimed: &Claimed) {
    if let Some(claim) = claimed.claims.first() {
        let stamped = fleet.parts.clock.now() - claimed.took / 2;
        metrics::clock_skew((stamped - claim.claimed_at).as_seconds_f64());
    }
}

/// Whether there may be claims of ours that we do not know of, because their answer was lost.
#[derive(Debug, Default)]
struct Doubt {
    /// How often the ledger still has to say what is ours.
    left: u32,
}

impl Doubt {
    fn begin(&mut self) {
        self.left = SAID;
    }

    /// Gives back what the ledger says is ours and we do not know of. Never beside a claim, whose segments would be among
    /// them.
    async fn resolve(&mut self, fleet: &Fleet) {
        if self.left == 0 {
            return;
        }
        match give_back_unknown(fleet).await {
            Ok(segments) => {
                self.left -= 1;
                if segments > 0 {
                    info!(segments, "claims of unknown outcome were handed back");
                }
            }
            // Their leases end by themselves, and rescue finds them, if it cannot be told until then.
            Err(error) => warn!(
                error = &error as &dyn std::error::Error,
                "claims of unknown outcome remain"
            ),
        }
    }
}

async fn give_back_unknown(fleet: &Fleet) -> Result<u64, LedgerError> {
    let known = fleet.held.all();
    let ours = fleet.told(fleet.parts.ledger.held_by(&fleet.name)).await?;
    let unknown: Vec<Held> = ours.into_iter().filter(|held| !known.contains(held)).collect();
    fleet.told(fleet.parts.ledger.hand_back(&unknown)).await
}

/// Sends claims on, each with its place. Suspects wait until one of them can be alone.
async fn hand_on(
    claimed: Claimed,
    mut permits: OwnedSemaphorePermit,
    suspects: &mut Suspects,
    out: &mpsc::Sender<Work>,
) {
    let Claimed {
        claims,
        answered_at,
        took: claimed_in,
    } = claimed;
    let claimed_with = claims.len();
    for claim in claims {
        let claim = ClaimedOne {
            claim,
            answered_at,
            claimed_in,
            claimed_with,
        };
        if claim.claim.standing.is_suspect() {
            suspects.waiting.push_back(claim);
        } else if let Some(permit) = permits.split(1) {
            send(out, claim.with(permit)).await;
        }
    }
}

/// A claim that has no place yet.
#[derive(Debug)]
struct ClaimedOne {
    claim: Claim,
    answered_at: Instant,
    claimed_in: Duration,
    claimed_with: usize,
}

impl ClaimedOne {
    fn with(self, permit: OwnedSemaphorePermit) -> Work {
        let Self {
            claim,
            answered_at,
            claimed_in,
            claimed_with,
        } = self;
        Work {
            claim,
            answered_at,
            claimed_in,
            claimed_with,
            permit,
        }
    }
}

/// Claims that have to run alone. While they wait they are held like others, and handed back at the end.
#[derive(Debug, Default)]
struct Suspects {
    waiting: VecDeque<ClaimedOne>,
    not_before: Option<Instant>,
}

impl Suspects {
    /// Has the first of them begin, if the worker comes to be empty soon.
    async fn begin_one(&mut self, fleet: &Fleet, places: &Arc<Semaphore>, out: &mpsc::Sender<Work>) {
        let is_too_soon = self.not_before.is_some_and(|at| Instant::now() < at);
        if self.waiting.is_empty() || is_too_soon {
            return;
        }
        let Ok(permit) = timeout(ALONE_WITHIN, take(places, fleet.concurrency)).await else {
            self.not_before = Some(Instant::now() + BETWEEN_TRIES);
            return;
        };
        self.not_before = None;
        let Some(mut first) = self.waiting.pop_front() else {
            return;
        };
        if begin_alone(fleet, &mut first.claim).await {
            send(out, first.with(permit)).await;
        }
    }
}

/// Notes in the ledger that a suspect begins, so that a crash from now on is its own. False if it is ours no more.
async fn begin_alone(fleet: &Fleet, claim: &mut Claim) -> bool {
    info!(segment = %claim.segment, crashes = claim.standing.crashes, "a suspect runs alone");
    match fleet.told(fleet.parts.ledger.start(held(claim))).await {
        Ok(true) => {
            claim.standing.started = true;
            true
        }
        Ok(false) => {
            fleet.held.leave(held(claim));
            false
        }
        Err(error) => {
            warn!(segment = %claim.segment, error = &error as &dyn std::error::Error, "a suspect could not begin");
            fleet.held.leave(held(claim));
            false
        }
    }
}

async fn send(out: &mpsc::Sender<Work>, work: Work) {
    // The receiver goes only after this task; what could not be sent is handed back at the end of the run.
    if out.send(work).await.is_err() {
        warn!("the runtime has ended before its time");
    }
}
