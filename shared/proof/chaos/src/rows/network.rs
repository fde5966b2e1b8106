//! Network: partitions and lateness between a worker and what it needs.

use std::time::Duration;

use ledgerfleet_testkit::{FaultProxy, LineFaults};
use tokio::time::sleep;

use crate::{Ending, Expect, Facts, Ground, Hire, Stage, Wish, World};

/// F25: a worker that cannot reach Redis sends nothing once its leases there are over; others take its place.
pub(super) async fn without_redis(stage: Stage) -> Ending {
    let world = World::new(&stage, Ground::default()).await;
    let line = world.redis_proxy().await;
    let victim = Hire::default().redis_through(&line);
    cut_off(stage, world, line, victim).await
}

/// F26: a worker that cannot reach Postgres sends nothing once its leases are over.
pub(super) async fn without_postgres(stage: Stage) -> Ending {
    let world = World::new(&stage, Ground::default()).await;
    let line = world.postgres_proxy().await;
    let victim = Hire::default().postgres_through(&line);
    cut_off(stage, world, line, victim).await
}

/// Cuts one of two workers off, and watches what it still asks the upstream.
async fn cut_off(mut stage: Stage, mut world: World, line: FaultProxy, victim: Hire) -> Ending {
    let api = world.api_proxy().await;
    world.fleet.hire(&victim.api_through(&api));
    world.fleet.start(1);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    line.set_both(&LineFaults::blackhole());
    // Lease or lock, whichever is longer, and a request that was on its way.
    let leases = world.ground.scaled(Duration::from_secs(20 + 5));
    sleep(leases + Duration::from_secs(1)).await;
    let before = api.seen().from_clients;
    sleep(Duration::from_secs(5)).await;
    let asked = api.seen().from_clients - before;
    assert_eq!(asked, 0, "bytes sent to the upstream by a worker that is cut off");
    let meanwhile = world.report(run).await.unwrap().done;
    line.heal();
    let expect = Expect {
        late: 2,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.push(format!("{meanwhile} segments done while one worker was cut off"));
    Ok(facts)
}

/// F27: nobody reaches the upstream for a while. Failures are spent no faster than backoff allows.
pub(super) async fn without_upstream(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let api = world.api_proxy().await;
    let behind = Hire::default().api_through(&api);
    world.fleet.hire(&behind);
    world.fleet.hire(&behind);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    api.set_both(&LineFaults::blackhole());
    sleep(Duration::from_secs(6)).await;
    api.refuse(true);
    api.cut_all();
    sleep(Duration::from_secs(2)).await;
    api.heal();
    let facts = world.judge(Expect::default()).await;
    let worst = world.count(
        "SELECT coalesce(max(n), 0) FROM (SELECT sum(times) n FROM fleet.attempts WHERE outcome = 'retry'
         GROUP BY segment_id) per_segment",
    );
    // Eight seconds at a tenth of the scale are eighty; the first three waits alone may add up to seventy.
    assert!(worst <= 5, "a segment failed {worst} times");
    Ok(with(facts, format!("at most {worst} failures of a segment")))
}

/// F28: everything is late, and never equally so. The fleet is slower, and right.
pub(super) async fn late(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let (redis, postgres, api) = (
        world.redis_proxy().await,
        world.postgres_proxy().await,
        world.api_proxy().await,
    );
    let millis = Duration::from_millis;
    redis.set_both(&LineFaults::late(millis(20), millis(10)));
    postgres.set_both(&LineFaults::late(millis(30), millis(50)));
    api.set_both(&LineFaults::late(millis(150), millis(100)));
    let behind = Hire::default()
        .redis_through(&redis)
        .postgres_through(&postgres)
        .api_through(&api);
    world.fleet.hire(&behind);
    world.fleet.hire(&behind);
    world.submit().await;
    let expect = Expect {
        within: Duration::from_mins(4),
        ..Expect::default()
    };
    let facts = world.judge(expect).await;
    Ok(with(
        facts,
        "Redis 20 to 30 ms, Postgres 30 to 80, upstream 150 to 250 each way".to_owned(),
    ))
}

/// F28b: Redis answers later than a grant may be old. The fleet must go on, however slowly, or say why it does not.
pub(super) async fn far_redis(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let redis = world.redis_proxy().await;
    let each_way = Duration::from_millis(60);
    redis.set_both(&LineFaults::late(each_way, Duration::ZERO));
    world.fleet.hire(&Hire::default().redis_through(&redis));
    world.ask(&Wish::days(&["invoice"], 5)).await;
    Ok(with(
        world.judge(Expect::default()).await,
        format!("Redis {each_way:?} each way"),
    ))
}

/// F28c: Redis moves farther away in the middle of a run, as when another zone takes over. No grant is young enough for
/// who remembers how near it was.
pub(super) async fn moved_redis(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let redis = world.redis_proxy().await;
    world.fleet.hire(&Hire::default().redis_through(&redis));
    let run = world.ask(&Wish::days(&["invoice"], 10)).await;
    world.until_done(run, stage.draw(3, 8)).await;
    let each_way = Duration::from_millis(50);
    redis.set_both(&LineFaults::late(each_way, Duration::ZERO));
    Ok(with(
        world.judge(Expect::default()).await,
        format!("Redis {each_way:?} each way, all at once"),
    ))
}

fn with(mut facts: Facts, fact: String) -> Facts {
    facts.push(fact);
    facts
}
