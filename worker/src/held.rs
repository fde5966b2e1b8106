//! Held: the claims in this worker's hands.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_ledger::{Claim, Held};
use ledgerfleet_model::SegmentId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a claim holds.
pub(crate) fn held(claim: &Claim) -> Held {
    Held {
        segment: claim.segment,
        epoch: claim.standing.epoch,
    }
}

/// Every claim from its answer to its end, with the signal that tells its attempt that it is lost.
#[derive(Debug, Default)]
pub(crate) struct HeldClaims {
    claims: Mutex<HashMap<SegmentId, HeldClaim>>,
    /// Claims whose attempts have ended and of which the ledger may not know that yet.
    owed: Mutex<Vec<Held>>,
}

#[derive(Debug)]
struct HeldClaim {
    held: Held,
    lost: CancellationToken,
    /// The local instant before which the lease cannot have ended.
    lease_end: Instant,
}

/// A claim that is taken out when this is dropped.
#[derive(Debug)]
pub(crate) struct Leaving<'a> {
    claims: &'a HeldClaims,
    held: Held,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.claims.leave(self.held);
    }
}

impl HeldClaims {
    fn claims(&self) -> MutexGuard<'_, HashMap<SegmentId, HeldClaim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a claim whose lease began no later than `since`.
    pub(crate) fn enter(&self, held: Held, since: Instant, lease: Duration) {
        let claim = HeldClaim {
            held,
            lost: CancellationToken::new(),
            lease_end: since + lease,
        };
        self.claims().insert(held.segment, claim);
    }

    /// The signal of a claim; one that is no longer held has lost already.
    pub(crate) fn lost_signal(&self, held: Held) -> CancellationToken {
        let claims = self.claims();
        claims
            .get(&held.segment)
            .filter(|claim| claim.held == held)
            .map_or_else(
                || {
                    let lost = CancellationToken::new();
                    lost.cancel();
                    lost
                },
                |claim| claim.lost.clone(),
            )
    }

    /// Takes a claim out when the answer is dropped, however its attempt ends.
    pub(crate) fn leaving(&self, held: Held) -> Leaving<'_> {
        Leaving { claims: self, held }
    }

    /// Takes a claim out, at its end.
    pub(crate) fn leave(&self, held: Held) {
        let mut claims = self.claims();
        if claims.get(&held.segment).is_some_and(|claim| claim.held == held) {
            claims.remove(&held.segment);
        }
    }

    /// Notes that the ledger is still to be told that a claim is given back.
    pub(crate) fn owe(&self, held: Held) {
        self.owed().push(held);
    }

    /// Takes what the ledger is still to be told; who cannot tell it owes it again.
    pub(crate) fn take_owed(&self) -> Vec<Held> {
        std::mem::take(&mut *self.owed())
    }

    fn owed(&self) -> MutexGuard<'_, Vec<Held>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that is held.
    pub(crate) fn all(&self) -> Vec<Held> {
        self.claims().values().map(|claim| claim.held).collect()
    }

    /// Notes that the leases of `renewed` began anew no later than `since`.
    pub(crate) fn renewed(&self, renewed: &[Held], since: Instant, lease: Duration) {
        let mut claims = self.claims();
        for held in renewed {
            if let Some(claim) = claims.get_mut(&held.segment).filter(|claim| claim.held == *held) {
                claim.lease_end = since + lease;
            }
        }
    }

    /// Tells the attempts of `lost` claims to stop; answers how many there were.
    pub(crate) fn lose(&self, lost: &[Held]) -> usize {
        let claims = self.claims();
        lost.iter()
            .filter_map(|held| claims.get(&held.segment).filter(|claim| claim.held == *held))
            .filter(|claim| !claim.lost.is_cancelled())
            .map(|claim| claim.lost.cancel())
            .count()
    }

    /// Tells the attempts to stop whose lease may end within `margin`.
    pub(crate) fn lose_ending(&self, margin: Duration) -> usize {
        let latest = Instant::now() + margin;
        let claims = self.claims();
        claims
            .values()
            .filter(|claim| claim.lease_end <= latest && !claim.lost.is_cancelled())
            .map(|claim| claim.lost.cancel())
            .count()
    }
}
