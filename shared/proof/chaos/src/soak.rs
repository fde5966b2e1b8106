//! Soak: workers die at random instants, for as long as one likes.

use std::time::{Duration, Instant};

use crate::{Ending, Expect, Ground, Stage, Wish, World};

/// Workers at any time.
const WORKERS: usize = 4;

pub(crate) async fn play(mut stage: Stage, length: Duration) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(WORKERS);
    let (began, mut kills) = (Instant::now(), 0);
    while began.elapsed() < length {
        ask_if_idle(&mut world, &mut stage).await;
        tokio::time::sleep(Duration::from_millis(stage.draw(100, 2_500))).await;
        kill_one(&mut world, &mut stage).await;
        kills += 1;
    }
    world.until_over(Duration::from_mins(5)).await;
    let replayed = replay_the_dead(&world).await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("{kills} workers killed in {} runs", world.asked.len()));
    facts.push(format!(
        "{replayed} segments dead of three crashes, done after replay"
    ));
    Ok(facts)
}

/// Keeps the fleet busy: a part of the books, chosen by chance, as soon as the last one is done.
async fn ask_if_idle(world: &mut World, stage: &mut Stage) {
    if let Some(asked) = world.asked.last() {
        let report = world.report(asked.run).await;
        if !report.is_some_and(|report| report.state.is_over()) {
            return;
        }
    }
    let entities = &["invoice", "journal_entry", "customer", "item"][..];
    world.ask(&Wish::days(entities, stage.draw(10, 60))).await;
}

async fn kill_one(world: &mut World, stage: &mut Stage) {
    let running: Vec<usize> = (0..world.fleet.workers.len())
        .filter(|number| !world.fleet.workers[*number].given_up)
        .collect();
    let chosen = stage.draw(0, running.len() as u64 - 1);
    let victim = running[usize::try_from(chosen).unwrap_or_default()];
    world.fleet.kill(victim).await;
    world.fleet.start(1);
}

/// Segments may only be dead because they were killed three times; they are sent again. Answers how many.
async fn replay_the_dead(world: &World) -> u64 {
    let others = world.sql(
        "SELECT reason, message FROM fleet.segments s WHERE state = 'dead' AND (reason <> 'crash_loop' OR
         (SELECT coalesce(sum(times), 0) FROM fleet.attempts a WHERE a.segment_id = s.id AND outcome = 'crash') < 3)",
    );
    assert!(
        others.is_empty(),
        "dead for another reason than three crashes: {others}"
    );
    world.replay_all().await
}
