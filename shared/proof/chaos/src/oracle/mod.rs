//! The oracle: compares what a fleet has done with what it promised.
//!
//! Each file looks at some of the invariants: `records` at I1 to I3, `segments` at I4, I5 and I10, `originals` at the
//! rest of I10, `upstream` at I6 and I7, `secrets` at I8. I9 is the time that [`judge`] waits.

mod originals;
mod records;
mod secrets;
mod segments;
mod upstream;

use std::time::Duration;

pub(crate) use segments::{partial_pages, retries};

use crate::World;
use crate::verdict::Facts;
use crate::wait::PATIENCE;

/// What a row expects. The default is a fault that leaves no trace: everything done, stored once, by workers that live.
#[derive(Debug, Clone)]
pub struct Expect {
    /// How many segments are dead at the end.
    pub dead: u64,
    /// How many records are in quarantine at the end, and not stored.
    pub quarantined: u64,
    /// Ids of records that the source cannot serve: each is in quarantine by its position, beside `quarantined`.
    pub unserved: Vec<String>,
    /// Whether the source changed while it was read, so that records may have been written more than once.
    pub changing: bool,
    /// Whether records may be stored that the source has deleted: a window on dates cannot tell.
    pub ghosts: bool,
    /// Entities that are not compared with the source, because the row has made their segments die.
    pub apart_from: Vec<&'static str>,
    /// Requests that a process which stood still may have sent after its grants were over: they come on top of what
    /// any second allows.
    pub late: usize,
    /// How often a superseded refresh token may have been sent.
    pub superseded: u64,
    /// Whether every stored refresh token opens its company at the end.
    pub tokens_current: bool,
    /// How long the fleet may take to come to rest.
    pub within: Duration,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            dead: 0,
            quarantined: 0,
            unserved: Vec::new(),
            changing: false,
            ghosts: false,
            apart_from: Vec::new(),
            late: 0,
            superseded: 0,
            tokens_current: true,
            within: PATIENCE,
        }
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// I1 to I10.
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn of(invariant: &'static str, what: impl Into<String>) -> Self {
        Self {
            invariant,
            what: what.into(),
        }
    }
}

impl World {
    /// Waits for the end of all work, stops the fleet and compares everything with what was expected.
    pub async fn judge(&mut self, expect: Expect) -> Vec<String> {
        judge(self, expect).await
    }
}

/// Waits until the fleet is at rest, stops it, and checks every invariant. Answers what was seen.
async fn judge(world: &mut World, expect: Expect) -> Facts {
    world.until_over(expect.within).await;
    let lost = world.fleet.lost();
    let shown: Vec<String> = world
        .fleet
        .running()
        .iter()
        .map(|worker| worker.shown())
        .collect();
    let figures = figures(world);
    let codes = world.fleet.stop().await;
    let mut violations = Vec::new();
    violations.extend(
        lost.iter()
            .map(|number| Violation::of("I9", format!("worker {number} ended by itself"))),
    );
    violations.extend(
        codes
            .iter()
            .filter(|code| !matches!(code, None | Some(143)))
            .map(|code| Violation::of("I9", format!("a worker ended with {code:?}"))),
    );
    violations.extend(records::check(world, &expect).await);
    violations.extend(originals::check(world, &expect));
    violations.extend(segments::check(world, &expect).await);
    violations.extend(upstream::check(world, &expect).await);
    violations.extend(secrets::check(world, &shown));
    let told: Vec<String> = violations
        .iter()
        .map(|violation| format!("{}: {}", violation.invariant, violation.what))
        .collect();
    assert!(told.is_empty(), "{}", told.join("; "));
    figures
}

/// The numbers that every report has.
fn figures(world: &mut World) -> Facts {
    let done = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'done'");
    let dead = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'dead'");
    let crashes = world.count("SELECT count(*) FROM fleet.attempts WHERE outcome = 'crash'");
    let retries = world.count("SELECT count(*) FROM fleet.attempts WHERE outcome = 'retry'");
    let fenced = world.fleet.metric("ledgerfleet_fenced_writes_total");
    let rows = world.count("SELECT count(*) FROM raw.records");
    let mut facts = vec![format!("{done} segments done, {rows} rows as at the source")];
    for (number, noun) in [(dead, "dead"), (crashes, "crashes"), (retries, "retries")] {
        if number > 0 {
            facts.push(format!("{number} {noun}"));
        }
    }
    if fenced > 0.0 {
        facts.push(format!("{fenced} writes fenced"));
    }
    facts
}
