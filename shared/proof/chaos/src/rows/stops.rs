//! Stops: a worker that stands still, or is asked to stop.

use std::time::Duration;

use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Signal, Stage, Wish, World};

/// F08: a worker that comes back after its lease writes nothing, and works on.
pub(super) async fn zombie(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let plan = format!("after_response(invoice):stop@{}", stage.draw(1, 4));
    let zombie = world.fleet.hire(&Hire::failing(&plan).single());
    let run = world.submit().await;
    world.fleet.stopped(zombie).await;
    let (segment, epoch) = held(&world);
    world.fleet.start(1);
    until_elsewhere(&world, &segment, epoch, "done").await;
    wake_and_fence(&mut world, zombie).await;
    world
        .until(run, "all is done", |report| report.state.is_over())
        .await;
    let fenced = world.fleet.workers[zombie].metric(FENCED);
    assert!((fenced - 1.0).abs() < 0.1, "{fenced} writes were fenced");
    let expect = Expect {
        late: 1,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.insert(0, plan);
    Ok(facts)
}

/// F08b: a worker comes back while another one is at its segment: nothing but the epoch says whose it is.
pub(super) async fn beside_another(mut stage: Stage) -> Ending {
    let ground = Ground::default().latency(Duration::from_millis(500));
    let mut world = World::new(&stage, ground).await;
    let plan = format!("after_response(invoice):stop@{}", stage.draw(1, 4));
    let zombie = world.fleet.hire(&Hire::failing(&plan).single());
    world.ask(&Wish::days(&["invoice"], 6)).await;
    world.fleet.stopped(zombie).await;
    let (segment, epoch) = held(&world);
    world.fleet.start(1);
    until_elsewhere(&world, &segment, epoch, "running").await;
    wake_and_fence(&mut world, zombie).await;
    let expect = Expect {
        late: 1,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.insert(0, plan);
    Ok(facts)
}

const FENCED: &str = "ledgerfleet_fenced_writes_total";

/// F09: a worker that stands still with its transaction open keeps its segment, and nothing else; the server ends its
/// session, and the segment goes on elsewhere.
pub(super) async fn holding_a_row(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let plan = format!("in_transaction(invoice):stop@{}", stage.draw(1, 4));
    let sleeper = world.fleet.hire(&Hire::failing(&plan).single());
    let run = world.submit().await;
    world.fleet.stopped(sleeper).await;
    world.fleet.start(1);
    let total = world.asked[0].planned;
    let others = world.until_done(run, total - 1).await;
    assert!(
        others < Duration::from_secs(30),
        "all else was done only after {others:?}: the open transaction was in the way"
    );
    // The server ends the session half a minute after its last word.
    let freed = world.until_done(run, total).await;
    world.fleet.signal(sleeper, Signal::CONT);
    let expect = Expect {
        late: 1,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.insert(0, plan);
    facts.push(format!(
        "all else done after {:.1} s, its own segment {:.1} s later",
        others.as_secs_f64(),
        freed.as_secs_f64()
    ));
    Ok(facts)
}

/// F59: a worker that is asked to stop finishes its pages or hands back; a second signal ends it at once.
pub(super) async fn told_to_stop(mut stage: Stage) -> Ending {
    let ground = Ground::default().latency(Duration::from_millis(200));
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(3, 20)).await;
    let began = std::time::Instant::now();
    world.fleet.workers[0].given_up = true;
    world.fleet.signal(0, Signal::TERM);
    let code = world.fleet.workers[0].process.end(PATIENCE).await.code();
    let took = began.elapsed();
    assert_eq!(code, Some(143));
    let bound = world.ground.scaled(Duration::from_secs(25)) + Duration::from_secs(5);
    assert!(took <= bound, "it took {took:?} to stop");
    let attempts = world.count("SELECT count(*) FROM fleet.attempts");
    assert_eq!(attempts, 0, "a stop is no attempt that failed");

    world.fleet.workers[1].given_up = true;
    world.fleet.signal(1, Signal::TERM);
    world.fleet.signal(1, Signal::TERM);
    let code = world.fleet.workers[1].process.end(PATIENCE).await.code();
    assert_eq!(code, Some(143));
    world.fleet.start(1);
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("stopped {:.1} s after SIGTERM", took.as_secs_f64()));
    Ok(facts)
}

/// Waits until a segment is in that state under a later claim.
async fn until_elsewhere(world: &World, segment: &str, epoch: u64, state: &str) {
    let query =
        format!("SELECT state = '{state}' AND epoch > {epoch} FROM fleet.segments WHERE id = '{segment}'");
    until(
        &format!("its segment is {state} elsewhere"),
        PATIENCE,
        async || world.sql(&query) == "t",
    )
    .await;
}

/// Lets a worker go on that stood still, and waits until it is told that its segment is not its own.
async fn wake_and_fence(world: &mut World, zombie: usize) {
    world.fleet.signal(zombie, Signal::CONT);
    until("the zombie is fenced off", PATIENCE, async || {
        world.fleet.workers[zombie].metric(FENCED) > 0.0
    })
    .await;
}

/// The one running segment, and its epoch.
fn held(world: &World) -> (String, u64) {
    let row = world.sql("SELECT id, epoch FROM fleet.segments WHERE state = 'running'");
    let (segment, epoch) = row.split_once('|').unwrap();
    (segment.to_owned(), epoch.trim().parse().unwrap())
}
