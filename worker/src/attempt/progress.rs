//! Progress: how far an attempt has got.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::Charges;
use ledgerfleet_ledger::{Claim, Effort, Tally};
use ledgerfleet_model::Standing;
use ledgerfleet_upstream::{Asking, GateTime};
use tokio::time::Instant;

/// How far an attempt has got; it outlives the attempt's end, however that comes.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The segment's state and counters, as the ledger has them now.
    pub(crate) standing: Standing,
    /// Metered calls since the last commit.
    pub(crate) charges: Charges,
    /// What the attempt has taken of the month: kept until the ledger has counted its calls.
    tally: Option<Arc<Tally>>,
    /// The connector's name, once it is known.
    pub(crate) connector: &'static str,
    /// Which reading of the window this is, from 1.
    pub(crate) pass: u32,
    /// Pages of this pass that are committed.
    pub(crate) page: u32,
    /// When the first page of this pass was asked for; unknown to an attempt that goes on with another's pass.
    pub(crate) read_since: Option<DateTime<Utc>>,
    /// The upstream's own time in the first answer, of whichever attempt, where it told it.
    pub(crate) answered_at: Option<DateTime<Utc>>,
    /// How far the upstream's clock was behind the ledger's, as far as this attempt's answers tell; zero where it was not.
    pub(crate) upstream_behind: TimeDelta,
    /// Whether a commit was sent and its answer never came: the ledger may be ahead of what is known here.
    pub(crate) unknown: bool,
    /// Whether this attempt is the one that tries what others wait for.
    pub(crate) probing: bool,
    /// How long the segment waits because the upstream fails for everybody, and not for it.
    pub(crate) blameless_wait: Option<Duration>,
    /// Pages that this attempt has stored.
    pub(crate) pages: u32,
    /// When the attempt began.
    pub(crate) began: Instant,
    /// How long it has waited for the gate.
    at_gate: GateTime,
}

impl Progress {
    /// At the attempt's beginning.
    pub(crate) fn of(claim: &Claim) -> Self {
        Self {
            standing: claim.standing,
            charges: Charges::default(),
            tally: None,
            connector: "unknown",
            pass: claim.pass,
            page: claim.page,
            read_since: None,
            answered_at: claim.answered_at,
            upstream_behind: TimeDelta::zero(),
            unknown: false,
            probing: false,
            blameless_wait: None,
            pages: 0,
            began: Instant::now(),
            at_gate: GateTime::default(),
        }
    }

    /// Counts what this asks.
    pub(crate) fn follow(&mut self, asking: &Asking<'_>) {
        self.connector = asking.company().entry.name;
        self.charges = asking.charges.clone();
        self.tally = Some(asking.tally());
        self.at_gate = asking.gate_time.clone();
    }

    /// Notes that the ledger has counted so many calls.
    pub(crate) fn counted(&self, calls: u32) {
        self.charges.counted(calls);
        if let Some(tally) = &self.tally {
            tally.counted(calls);
        }
    }

    /// Notes the upstream's own time in the answer to a question that was asked then by the ledger's clock.
    pub(crate) fn note_time(&mut self, asked_at: DateTime<Utc>, told: Option<DateTime<Utc>>) {
        let Some(told) = told else { return };
        self.answered_at.get_or_insert(told);
        self.upstream_behind = self.upstream_behind.max(asked_at - told);
    }

    /// What the attempt has done so far.
    pub(crate) fn effort(&self) -> Effort {
        let at_gate = self.at_gate.sum();
        Effort {
            calls: self.charges.calls(),
            pages: self.pages,
            worked: self.began.elapsed().saturating_sub(at_gate),
            at_gate,
        }
    }
}
