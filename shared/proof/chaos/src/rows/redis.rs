//! Redis: what is lost with it, and what is not.

use std::time::Duration;

use tokio::time::sleep;

use crate::oracle::retries;
use crate::process::send;
use crate::world::Memory;
use crate::{Ending, Expect, Facts, Ground, Signal, Stage, Wish, World};

/// How soon a fleet must be at work again whose Redis is back.
const BUSY_AGAIN: Duration = Duration::from_secs(15);

/// F11: Redis dies and comes back with its journal.
pub(super) async fn killed_with_journal(stage: Stage) -> Ending {
    killed(stage, Memory::Journal, |_| {}).await
}

/// F12: Redis dies and comes back empty.
pub(super) async fn killed_without_memory(stage: Stage) -> Ending {
    killed(stage, Memory::Forgets, |_| {}).await
}

/// F14: the end of the journal is lost: what was acknowledged last never happened.
pub(super) async fn tail_lost(stage: Stage) -> Ending {
    killed(stage, Memory::Journal, |world| {
        let folder = world.redis.directory().join("appendonlydir");
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let journal = files.filter(|file| file.file_name().to_string_lossy().ends_with(".incr.aof"));
        let journal = journal.last().unwrap().path();
        let length = journal.metadata().unwrap().len();
        let file = std::fs::OpenOptions::new().write(true).open(journal).unwrap();
        file.set_len(length.saturating_sub(64 << 10)).unwrap();
    })
    .await
}

/// F15: Redis is replaced by what it was some time ago, as after a failover that lost writes.
pub(super) async fn rewound(mut stage: Stage) -> Ending {
    let ground = Ground {
        memory: Memory::Snapshot,
        ..Ground::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    world.redis.command("SAVE");
    let done = world.report(run).await.unwrap().done;
    world.until_done(run, done + stage.draw(5, 20)).await;
    world.redis.kill_and_restart();
    Ok(world.judge(Expect::default()).await)
}

/// Lets Redis die in the middle of a run, does something to what it left, and starts it again three seconds later.
async fn killed(mut stage: Stage, memory: Memory, meanwhile: impl FnOnce(&World)) -> Ending {
    let ground = Ground {
        memory,
        ..Ground::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 30)).await;
    world.redis.kill();
    meanwhile(&world);
    sleep(Duration::from_secs(3)).await;
    world.redis.start_again();
    let done = world.report(run).await.unwrap().done;
    let busy = world.until_done(run, done + 5).await;
    assert!(busy <= BUSY_AGAIN, "at work again only after {busy:?}");
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "five more segments {:.1} s after its return",
        busy.as_secs_f64()
    ));
    Ok(facts)
}

/// F13: everything in Redis is gone; the next tick rebuilds it, and the gate opens empty.
pub(super) async fn flushed(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 30)).await;
    world.redis.command("FLUSHALL");
    let done = world.report(run).await.unwrap().done;
    let busy = world.until_done(run, done + 10).await;
    assert!(
        busy <= Duration::from_mins(1),
        "at work again only after {busy:?}"
    );
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "ten more segments {:.1} s after the loss",
        busy.as_secs_f64()
    ));
    Ok(facts)
}

/// F16: Redis stands still for a moment, for longer, and for longer than every lease.
pub(super) async fn stalled(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer"], 40))
        .await;
    for millis in [600, 2_000, 30_000] {
        let done = world.report(run).await.unwrap().done;
        world.until_done(run, done + stage.draw(5, 15)).await;
        send(world.redis.pid(), Signal::STOP);
        sleep(Duration::from_millis(millis)).await;
        send(world.redis.pid(), Signal::CONT);
    }
    Ok(world.judge(Expect::default()).await)
}

/// F17: Redis refuses whatever takes memory, for a while.
pub(super) async fn full(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 30)).await;
    world.redis.command("CONFIG SET maxmemory 1mb");
    sleep(Duration::from_secs(5)).await;
    let while_full = world.report(run).await.unwrap().done;
    world.redis.command("CONFIG SET maxmemory 0");
    assert_eq!(retries(&world), 0, "a full Redis is nobody's failure");
    let mut facts: Facts = world.judge(Expect::default()).await;
    facts.push(format!("{while_full} were done when there was room again"));
    Ok(facts)
}
