//! Jobs: a segment that kills whoever touches it, versions side by side, and two of what should be one.

use std::time::Duration;

use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Signal, Stage, Wish, World};

/// F54: a segment that kills its worker is dead after three crashes; everything else is done; once it is harmless, a
/// replay ends well.
pub(super) async fn poison(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let poisoned = Hire::failing("after_response(customer):kill9");
    world.fleet.hire(&poisoned);
    let run = world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer"], 10).of("north"))
        .await;
    let mut deaths = 0;
    until("the run has ended", PATIENCE, async || {
        if world.fleet.running().is_empty() {
            world.fleet.workers[deaths].given_up = true;
            deaths += 1;
            world.fleet.hire(&poisoned);
        }
        world
            .report(run)
            .await
            .is_some_and(|report| report.state.is_over())
    })
    .await;
    let dead = world.sql("SELECT reason, crashes FROM fleet.segments WHERE state = 'dead'");
    assert!(dead.starts_with("crash_loop|"), "dead: {dead:?}");
    let others =
        world.count("SELECT count(*) FROM fleet.segments WHERE state = 'dead' AND entity <> 'customer'");
    assert_eq!(others, 0, "an innocent neighbour died");
    for worker in 0..world.fleet.workers.len() {
        if !world.fleet.workers[worker].given_up {
            world.fleet.kill(worker).await;
        }
    }
    world.fleet.start(1);
    assert_eq!(world.replay_all().await, 1);
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("{deaths} workers died of it, then it was sent again"));
    Ok(facts)
}

/// F56: what a newer version has submitted is left to it, not failed.
pub(super) async fn newer_format(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let run = world.submit().await;
    world.sql("UPDATE fleet.segments SET format = format + 9 WHERE entity = 'journal_entry'");
    let newer = world.count("SELECT count(*) FROM fleet.segments WHERE entity = 'journal_entry'");
    world.fleet.start(2);
    let known = world.asked[0].planned - newer;
    world.until_done(run, known).await;
    let report = world.report(run).await.unwrap();
    assert_eq!((report.done, report.dead, report.pending), (known, 0, newer));
    world.sql("UPDATE fleet.segments SET format = format - 9 WHERE entity = 'journal_entry'");
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("{newer} segments waited for the newer version"));
    Ok(facts)
}

/// F57: two who ask for the same at the same moment get one run.
pub(super) async fn asked_twice(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let wish = Wish::days(&["invoice", "journal_entry"], 20);
    let submitted = world.ask_at_once(&wish, 8).await;
    let runs: std::collections::BTreeSet<_> = submitted.iter().map(|answer| answer.run).collect();
    assert_eq!(runs.len(), 1, "one run");
    let attached = submitted.iter().filter(|answer| answer.attached).count();
    assert_eq!(attached, 7, "all but the first have joined it");
    world.fleet.start(2);
    Ok(world.judge(Expect::default()).await)
}

/// F58: the leader stands still; another leads; when the first comes back, it leads no more.
pub(super) async fn two_leaders(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(3);
    let run = world.submit().await;
    world.until_done(run, stage.draw(3, 20)).await;
    let term = world.count("SELECT term FROM fleet.leader");
    let leader = (0..3).find(|number| world.fleet.workers[*number].metric("ledgerfleet_leader") > 0.5);
    let leader = leader.unwrap();
    world.fleet.signal(leader, Signal::STOP);
    let took = until("another one leads", PATIENCE, async || {
        world.count("SELECT term FROM fleet.leader") > term
    })
    .await;
    let done = world.report(run).await.unwrap().done;
    world.until_done(run, done + 5).await;
    world.fleet.signal(leader, Signal::CONT);
    until("one leads, not two", PATIENCE, async || {
        let leading = world.fleet.metric("ledgerfleet_leader");
        (leading - 1.0).abs() < 0.1
    })
    .await;
    let expect = Expect {
        late: 6,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    assert!(
        took <= world.ground.scaled(Duration::from_secs(20)) + Duration::from_secs(5),
        "led again only after {took:?}"
    );
    facts.push(format!("another one led after {:.1} s", took.as_secs_f64()));
    Ok(facts)
}
