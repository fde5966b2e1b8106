//! Links: connections that live and are of no use, and a process that alone has none.

use std::time::{Duration, Instant};

use ledgerfleet_testkit::{LineFaults, PrivateRedis};
use tokio::time::sleep;

use super::suspension::children;
use crate::process::send;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Facts, Ground, Hire, Signal, Stage, Wish, World};

/// How soon a fleet is at work again after a failover of Redis.
const BUSY_AGAIN: Duration = Duration::from_secs(30);

/// The same after a flow has ended without a word.
const DIALLED_ANEW: Duration = Duration::from_mins(1);

/// How soon another process dispatches.
const LED_BY_ANOTHER: Duration = Duration::from_secs(20);

/// How soon a command is done after the run that it waits for.
const TOLD: Duration = Duration::from_secs(10);

/// F64: another Redis is the master, and new connections lead there; the old one is its replica and closes nobody's.
pub(super) async fn redis_fails_over(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let name = world.redis_proxy().await;
    let behind = Hire::default().redis_through(&name);
    world.fleet.hire(&behind);
    world.fleet.hire(&behind);
    let run = world.ask(&long()).await;
    world.until_done(run, stage.draw(5, 20)).await;
    let new = PrivateRedis::start();
    name.turn_to(([127, 0, 0, 1], new.port()).into());
    world
        .redis
        .command(&format!("REPLICAOF 127.0.0.1 {}", new.port()));
    let facts = busy_again(&mut world, run, BUSY_AGAIN).await;
    Ok(facts)
}

/// F65: the flows to Redis end without a word, then those to Postgres.
pub(super) async fn flows_vanish(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let (redis, postgres) = (world.redis_proxy().await, world.postgres_proxy().await);
    let behind = Hire::default().redis_through(&redis).postgres_through(&postgres);
    world.fleet.hire(&behind);
    world.fleet.hire(&behind);
    let run = world.ask(&long()).await;
    let mut facts = Facts::new();
    for (of, line) in [("Redis", &redis), ("Postgres", &postgres)] {
        let done = world.report(run).await.unwrap().done;
        world.until_done(run, done + stage.draw(5, 20)).await;
        line.swallow_all();
        let done = world.report(run).await.unwrap().done;
        let busy = world.until_done(run, done + 20).await;
        assert!(busy <= DIALLED_ANEW, "{of}: at work again only after {busy:?}");
        facts.push(format!(
            "{of}: twenty more segments after {:.1} s",
            busy.as_secs_f64()
        ));
    }
    facts.extend(world.judge(late()).await);
    Ok(facts)
}

/// F67: the leader alone cannot reach Redis.
pub(super) async fn leader_without_redis(stage: Stage) -> Ending {
    let world = World::new(&stage, Ground::default()).await;
    let line = world.redis_proxy().await;
    let leader = Hire::default().redis_through(&line);
    another_leads(stage, world, &leader, |_| line.set_both(&LineFaults::blackhole())).await
}

/// F67: the password of the leader alone was changed, and its connections were ended.
pub(super) async fn leader_with_old_password(stage: Stage) -> Ending {
    let world = World::new(&stage, Ground::default()).await;
    world.redis.command("ACL SETUSER first on >word ~* &* +@all");
    let url = format!("redis://first:word@127.0.0.1:{}", world.redis.port());
    let leader = Hire::default().with("LEDGERFLEET_REDIS_URL", url);
    another_leads(stage, world, &leader, |world| {
        world.redis.command("ACL SETUSER first resetpass >another");
        world.redis.command("CLIENT KILL USER first");
    })
    .await
}

/// Takes Redis from a leader, and waits until another process leads and work goes on.
async fn another_leads(
    mut stage: Stage,
    mut world: World,
    leader: &Hire,
    take: impl FnOnce(&World),
) -> Ending {
    const TERM: &str = "SELECT coalesce(max(term), 0) FROM fleet.leader WHERE until > now()";
    world.fleet.hire(leader);
    until("the first one leads", PATIENCE, async || world.count(TERM) > 0).await;
    let first = world.count(TERM);
    world.fleet.start(2);
    let run = world.ask(&long()).await;
    world.until_done(run, stage.draw(5, 20)).await;
    take(&world);
    let led = until("another one leads", PATIENCE, async || world.count(TERM) > first).await;
    assert!(led <= LED_BY_ANOTHER, "another one leads only after {led:?}");
    let done = world.report(run).await.unwrap().done;
    world.until_done(run, done + 5).await;
    let mut facts = world.judge(late()).await;
    facts.push(format!("another one led after {:.1} s", led.as_secs_f64()));
    Ok(facts)
}

/// F71: the database stands still for half a minute while a command waits for a run.
pub(super) async fn ledger_away_while_waiting(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.ask(&long()).await;
    world.until_done(run, stage.draw(5, 20)).await;
    let line = format!("run watch {run}");
    let outage = async {
        let stopped: Vec<u32> = servers(&world);
        for (signal, time) in [(Signal::STOP, 30), (Signal::CONT, 0)] {
            for pid in &stopped {
                send(*pid, signal);
            }
            sleep(Duration::from_secs(time)).await;
        }
        world.until_over(4 * PATIENCE).await;
        Instant::now()
    };
    let told = async {
        let answered = world.command(&line, 4 * PATIENCE).await;
        (answered, Instant::now())
    };
    let (over, (answered, told)) = tokio::join!(outage, told);
    assert!(answered.status.success(), "{}", answered.said);
    let late_by = told.saturating_duration_since(over);
    assert!(late_by <= TOLD, "told only {late_by:?} after the end of the run");
    let mut facts = world.judge(late()).await;
    facts.push(format!(
        "told {:.1} s after the end of the run",
        late_by.as_secs_f64()
    ));
    Ok(facts)
}

/// The server and all its sessions.
fn servers(world: &World) -> Vec<u32> {
    let server = world.postgres.pid();
    let mut servers = children(server);
    servers.push(server);
    servers
}

/// A run that is not over before something has happened to it.
fn long() -> Wish {
    Wish::days(&["invoice", "journal_entry", "customer"], 60)
}

/// What was rescued meanwhile is written by whoever has it now.
fn late() -> Expect {
    Expect {
        late: 2,
        ..Expect::default()
    }
}

async fn busy_again(world: &mut World, run: ledgerfleet_model::RunId, limit: Duration) -> Facts {
    let done = world.report(run).await.unwrap().done;
    let busy = world.until_done(run, done + 10).await;
    assert!(busy <= limit, "at work again only after {busy:?}");
    let mut facts = world.judge(late()).await;
    facts.push(format!("ten more segments after {:.1} s", busy.as_secs_f64()));
    facts
}
