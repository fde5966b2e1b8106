//! Redis: what is lost with it, and what is not.

use crate::{Ending, Expect, Ground, Stage, World};

/// F13: everything in Redis is gone; the next tick rebuilds it, and the gate opens empty.
pub(super) async fn flushed(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 30)).await;
    world.redis.command("FLUSHALL");
    let done = world.report(run).await.unwrap().done;
    let busy = world.until_done(run, done + 10).await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "ten more segments {:.1} s after the loss",
        busy.as_secs_f64()
    ));
    Ok(facts)
}
