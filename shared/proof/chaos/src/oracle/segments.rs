//! Segments: I5 each in exactly one state, I10 nothing is missing without a reason, and promises about attempts.

use ledgerfleet_model::RunState;

use super::{Expect, Violation};
use crate::World;

pub(super) async fn check(world: &World, expect: &Expect) -> Vec<Violation> {
    let mut violations = sums(world).await;
    let none = [
        (
            "I5",
            "windows were planned twice in one run",
            "SELECT count(*) FROM (SELECT 1 FROM fleet.segments
             GROUP BY run_id, connection_id, entity, day_from, day_to, starts_at HAVING count(*) > 1) twice",
        ),
        (
            "I5",
            "segments are left pending or running",
            "SELECT count(*) FROM fleet.segments WHERE state IN ('pending', 'running')",
        ),
        (
            "I5",
            "segments ended as done more than once",
            "SELECT count(*) FROM (SELECT 1 FROM chaos.moves WHERE state_to = 'done' AND state_from <> 'done'
             GROUP BY segment HAVING count(*) > 1) twice",
        ),
        (
            "I10",
            "segments are done without coverage",
            "SELECT count(*) FROM fleet.segments s WHERE s.state = 'done' AND NOT EXISTS (
                 SELECT 1 FROM fleet.coverage c WHERE c.connection_id = s.connection_id AND c.entity = s.entity
                 AND c.axis = s.axis AND c.day_from IS NOT DISTINCT FROM s.day_from
                 AND c.day_to IS NOT DISTINCT FROM s.day_to)",
        ),
        (
            "I10",
            "segments are dead without a reason or a history",
            "SELECT count(*) FROM fleet.segments s WHERE s.state = 'dead' AND (
                 s.reason IS NULL OR s.message IS NULL OR s.fingerprint IS NULL
                 OR NOT EXISTS (SELECT 1 FROM fleet.attempts a WHERE a.segment_id = s.id))",
        ),
        (
            "I5",
            "ids of finished windows are still kept",
            "SELECT count(*) FROM fleet.seen n JOIN fleet.segments s ON s.id = n.segment_id WHERE s.state = 'done'",
        ),
    ];
    violations.extend(none.iter().filter_map(|(invariant, what, query)| {
        let number = world.count(query);
        (number > 0).then(|| Violation::of(invariant, format!("{number} {what}")))
    }));
    let dead = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'dead'");
    if dead != expect.dead {
        let reasons =
            world.sql("SELECT DISTINCT reason || ': ' || message FROM fleet.segments WHERE state = 'dead'");
        let what = format!("{dead} segments are dead, not {}: {reasons}", expect.dead);
        violations.push(Violation::of("I10", what));
    }
    violations
}

/// Every planned segment is there, and the states of a run add up.
async fn sums(world: &World) -> Vec<Violation> {
    let mut violations = Vec::new();
    for asked in &world.asked {
        let report = world.parts.ledger.run(asked.run).await.unwrap().unwrap();
        let sum = report.done + report.dead + report.cancelled + report.pending + report.running;
        if report.segments != asked.planned || sum != asked.planned {
            let what = format!(
                "{} segments were planned, {} are there, {sum} have a state",
                asked.planned, report.segments
            );
            violations.push(Violation::of("I5", what));
        }
        if !matches!(
            report.state,
            RunState::Done | RunState::Dead | RunState::Cancelled
        ) {
            violations.push(Violation::of("I9", format!("a run is {}", report.state)));
        }
    }
    violations
}

/// Records that belong to no committed page of their segment: there must never be one, at any moment.
pub(crate) fn partial_pages(world: &World) -> u64 {
    world.count(
        "SELECT count(*) FROM raw.records r JOIN fleet.segments s ON s.id = r.segment_id
         WHERE s.pass = 1 AND r.page_number > s.page",
    )
}

/// Attempts that counted as failures.
pub(crate) fn retries(world: &World) -> u64 {
    world.count("SELECT count(*) FROM fleet.attempts WHERE outcome = 'retry'")
}
