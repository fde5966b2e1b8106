//! Subject: what an attempt is about.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::{CHANGES, EntitySpec};
use ledgerfleet_ledger::Claim;
use ledgerfleet_model::{Failure, Window, Work};
use ledgerfleet_upstream::Company;
use tokio::time::Instant;

use super::stopped::ledger_failure;
use crate::fleet::Fleet;
use crate::source::Work as Claimed;

/// A claim, and whom and what it concerns.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) claim: &'a Claim,
    /// The local instant at which the claim was answered.
    answered_at: Instant,
    pub(crate) company: Company,
    pub(crate) entity: &'static EntitySpec,
    /// The window that is read, or what stands for one.
    pub(crate) window: Window,
}

impl<'a> Subject<'a> {
    /// Finds out whom and what a claim concerns.
    pub(crate) async fn of(work: &'a Claimed, fleet: &'a Fleet) -> Result<Self, Failure> {
        let (claim, parts) = (&work.claim, &fleet.parts);
        let connection = fleet.connections.get(&*parts.ledger, claim.connection).await;
        let company = parts.company(connection.map_err(ledger_failure)?)?;
        let entity = match claim.work {
            Work::Changes { .. } => &CHANGES,
            _ => company.entity(&claim.entity)?,
        };
        Ok(Self {
            fleet,
            claim,
            answered_at: work.answered_at,
            company,
            entity,
            window: claim.work.place(),
        })
    }

    /// The ledger's clock now, never ahead of it: counted on from the answer to the claim.
    pub(crate) fn ledger_now(&self) -> DateTime<Utc> {
        self.ledger_time(Instant::now())
    }

    /// The ledger's clock at a local instant after the claim.
    pub(crate) fn ledger_time(&self, at: Instant) -> DateTime<Utc> {
        self.claim.claimed_at + at.saturating_duration_since(self.answered_at)
    }
}
