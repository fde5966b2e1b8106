//! Postgres: gone, slow, full, read-only, or in the way.

use crate::{Ending, Expect, Ground, Stage, World};

/// F19: the server is killed with transactions open, and comes back.
pub(super) async fn killed(mut stage: Stage) -> Ending {
    let ground = Ground {
        durable: true,
        ..Ground::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world.submit().await;
    let times = 2;
    for _ in 0..times {
        let done = world.report(run).await.map_or(0, |report| report.done);
        world.until_done(run, done + stage.draw(5, 25)).await;
        world.postgres.kill();
        world.postgres.start_again();
    }
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("killed {times} times"));
    Ok(facts)
}
