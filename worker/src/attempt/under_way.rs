//! Under way: an attempt that has its lock and may ask, and what may end it.

use ledgerfleet_coordination::{LockKey, Taken};
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::{Failure, FailureKind, Lane, SegmentId};
use ledgerfleet_telemetry::metrics;
use ledgerfleet_upstream::{Asking, Change, Observer, stopped};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::keeper::Keeper;
use super::stopped::Stopped;
use super::subject::Subject;
use super::watchdog::Watchdog;
use crate::held::held;

/// An attempt that is under way.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) asking: Asking<'a>,
    pub(crate) watchdog: Watchdog,
    keeper: Keeper,
    /// Told when the claim is another's.
    lost: CancellationToken,
}

impl<'a> UnderWay<'a> {
    /// Takes the window's lock, so that no other attempt buys the same pages now.
    pub(crate) async fn begin(subject: Subject<'a>) -> Result<Self, Failure> {
        let fleet = subject.fleet;
        let keeper = lock(&subject).await?;
        let (means, company) = (fleet.parts.means(), subject.company.clone());
        let log = Log::of(&subject);
        let purpose = match subject.claim.lane {
            Lane::Live => Purpose::Live,
            Lane::Manual | Lane::Backfill => Purpose::Background,
        };
        let asking = Asking::once(means, company, fleet.shutdown.clone(), log).with_purpose(purpose);
        Ok(Self {
            watchdog: Watchdog::new(fleet.parts.timings.progress, asking.gate_time.clone()),
            lost: fleet.held.lost_signal(held(subject.claim)),
            subject,
            asking,
            keeper,
        })
    }

    /// Waits for `work`, or for what ends the attempt before. A commit that was sent is never interrupted: whether it took
    /// effect could not be known.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            done = work => Ok(done),
            () = self.lost.cancelled() => Err(Stopped::Fenced),
            () = self.keeper.lost() => Err(lost_lock().into()),
            () = self.watchdog.stalled() => Err(self.stalled().into()),
            () = self.subject.fleet.drained.cancelled() => Err(stopped().into()),
        }
    }

    /// Gives the lock back.
    pub(crate) async fn end(self) {
        self.keeper.finish().await;
    }

    fn stalled(&self) -> Failure {
        let patience = self.subject.fleet.parts.timings.progress.as_secs_f64();
        Failure::new(
            FailureKind::Stalled,
            format!("no page was committed for {patience:.0} s"),
        )
    }
}

async fn lock(subject: &Subject<'_>) -> Result<Keeper, Failure> {
    let (parts, claim) = (&subject.fleet.parts, subject.claim);
    let key = LockKey {
        connection: claim.connection,
        entity: claim.entity.clone(),
        window: subject.window,
    };
    let (ttl, every) = (parts.timings.lock_ttl, parts.timings.lock_renewal);
    let taken = parts
        .locks
        .take(&key, claim.segment, claim.standing.epoch, ttl)
        .await?;
    let Taken::Taken(lock) = taken else {
        metrics::lock_contended();
        return Err(Failure::new(
            FailureKind::LockBusy,
            "another attempt reads the same window",
        ));
    };
    Ok(Keeper::start(parts.locks.clone(), lock, ttl, every))
}

fn lost_lock() -> Failure {
    Failure::new(FailureKind::CoordinationUnavailable, "the window's lock was lost")
}

/// Logs what an attempt's questions meet.
#[derive(Debug)]
struct Log {
    segment: SegmentId,
    entity: &'static str,
}

impl Log {
    fn of(subject: &Subject<'_>) -> Self {
        Self {
            segment: subject.claim.segment,
            entity: subject.entity.name,
        }
    }
}

impl Observer for Log {
    fn asks_otherwise(&self, change: Change, failure: &Failure) {
        info!(
            segment = %self.segment, entity = self.entity, reason = %failure.kind, message = failure.message,
            status = failure.status, transaction_id = failure.transaction_id, %change, "a question is put otherwise"
        );
    }
}
