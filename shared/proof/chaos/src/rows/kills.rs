//! Kills: a worker that dies at a named step.

use std::time::Duration;

use crate::oracle::partial_pages;
use crate::{Ending, Expect, Facts, Ground, Hire, Stage, World};

/// F01: ids that were popped and never claimed are simply offered again; nothing counts as a crash.
pub(super) async fn after_dequeue(stage: Stage) -> Ending {
    let death = die_at(&stage, "after_dequeue:kill9@1").await;
    assert_eq!(death.crashes(), 0, "nothing was claimed");
    Ok(death.facts)
}

/// F02: what was claimed and not begun is rescued as a crash, under the next epoch.
pub(super) async fn after_claim(mut stage: Stage) -> Ending {
    let hit = stage.draw(1, 6);
    let death = die_at(&stage, &format!("after_claim:kill9@{hit}")).await;
    assert!(death.crashes() > 0, "the crash is in the history");
    let claimed_again = death.world.count(
        "SELECT count(DISTINCT m.segment) FROM chaos.moves m JOIN fleet.attempts a ON a.segment_id = m.segment
         WHERE a.outcome = 'crash' AND m.state_to = 'running' AND m.epoch >= 3",
    );
    assert!(claimed_again > 0, "rescue and claim have each raised the epoch");
    Ok(death.facts)
}

/// F03: of a page that has arrived and was not stored, nothing is there.
pub(super) async fn after_response(mut stage: Stage) -> Ending {
    let hit = stage.draw(2, 12);
    let death = die_at(&stage, &format!("after_response(invoice):kill9@{hit}")).await;
    assert!(death.crashes() > 0, "the crash is in the history");
    Ok(death.facts)
}

/// F04: of a transaction that was not committed, nothing is there; progress is as before.
pub(super) async fn in_transaction(mut stage: Stage) -> Ending {
    let hit = stage.draw(2, 12);
    let point = ["in_transaction", "before_commit"][usize::from(stage.draw(0, 1) == 1)];
    let death = die_at(&stage, &format!("{point}(invoice):kill9@{hit}")).await;
    assert!(death.crashes() > 0, "the crash is in the history");
    Ok(death.facts)
}

/// F05: what was committed is not written again: the oracle finds no record with a second write.
pub(super) async fn after_commit(mut stage: Stage) -> Ending {
    let hit = stage.draw(2, 12);
    Ok(die_at(&stage, &format!("after_commit(invoice):kill9@{hit}"))
        .await
        .facts)
}

/// F06: what a process has counted dies with it; nothing else does.
pub(super) async fn before_metrics(mut stage: Stage) -> Ending {
    let hit = stage.draw(1, 8);
    Ok(die_at(&stage, &format!("before_metrics:kill9@{hit}")).await.facts)
}

/// What a death has left behind, after others have done all the work.
struct Death {
    world: World,
    facts: Facts,
}

/// Starts a worker that dies by a plan; looks at what it leaves at that moment; lets another one finish.
async fn die_at(stage: &Stage, plan: &str) -> Death {
    let mut world = World::new(stage, Ground::default()).await;
    let victim = world.fleet.hire(&Hire::failing(plan));
    let run = world.submit().await;
    world.fleet.killed(victim).await;
    assert_eq!(
        partial_pages(&world),
        0,
        "no part of a page is stored without its progress"
    );
    let done = world.report(run).await.unwrap().done;
    world.fleet.start(1);
    let recovered = world.until_done(run, done + 1).await;
    let bound = world.ground.scaled(Duration::from_secs(25)) + Duration::from_secs(30);
    assert!(recovered <= bound, "work went on only after {recovered:?}");
    let mut facts = world.judge(Expect::default()).await;
    facts.insert(0, plan.to_owned());
    facts.push(format!("work went on after {:.1} s", recovered.as_secs_f64()));
    Death { world, facts }
}

impl Death {
    fn crashes(&self) -> u64 {
        self.world
            .count("SELECT count(*) FROM fleet.attempts WHERE outcome = 'crash'")
    }
}
