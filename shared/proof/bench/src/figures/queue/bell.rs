//! The bell alone, beside apalis-redis on the same server.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use ledgerfleet_coordination::{Bell, RedisBell, RedisParts, RedisTls};
use ledgerfleet_model::{Lane, SegmentId};
use ledgerfleet_testkit::{PrivateRedis, Process};
use tokio::time::sleep;

use crate::usage;
use crate::world::count_commands;
use crate::{Bench, Values};

/// Ids of one filling, as the leader's.
const OFFERED: usize = 2_000;

/// Clients that pop, and how many ids each takes at once.
const CLIENTS: usize = 4;
const AT_ONCE: usize = 16;

pub(super) async fn measure(bench: &Bench) -> Values {
    let redis = PrivateRedis::start();
    let mut values = Values::default();
    ours(&redis, bench.of(100, 1), &mut values).await;
    if let Some(program) = &bench.apalis {
        for backlog in bench.of([1_000, 7_000, 10_000], [100; 3]) {
            let rate = apalis(program, &redis, backlog).await;
            values.put(
                format!("apalis-redis: tasks a second, backlog of {backlog}"),
                rate,
                "",
            );
        }
    }
    values
}

fn client(redis: &PrivateRedis) -> RedisBell {
    RedisParts::new(&redis.tcp_url(), "bench", RedisTls::default())
        .unwrap()
        .bell
}

async fn ours(redis: &PrivateRedis, rounds: usize, values: &mut Values) {
    let leader = client(redis);
    let clients: Vec<RedisBell> = (0..CLIENTS).map(|_| client(redis)).collect();
    let ids: Vec<SegmentId> = (0..OFFERED).map(|_| SegmentId::new()).collect();
    let empty = used_memory(redis).await;
    leader.replace(Lane::Backfill, &ids).await.unwrap();
    let bytes = (used_memory(redis).await - empty) / OFFERED as f64;
    leader.replace(Lane::Backfill, &[]).await.unwrap();
    let sent = count_commands(redis).await;
    let began = Instant::now();
    let popped = AtomicUsize::new(0);
    let filling = async {
        for round in 1..=rounds {
            leader.replace(Lane::Backfill, &ids).await.unwrap();
            while popped.load(Ordering::Relaxed) < round * OFFERED {
                sleep(Duration::from_micros(100)).await;
            }
        }
        began.elapsed().as_secs_f64()
    };
    let emptying = join_all(clients.iter().map(|client| empty_out(client, &popped)));
    let seconds = tokio::select! {
        seconds = filling => seconds,
        _ = emptying => unreachable!("clients go on"),
    };
    let many = (rounds * OFFERED) as f64;
    values.put("bell: segments a second", many / seconds, "");
    values.put(
        "bell: commands for a segment",
        (count_commands(redis).await - sent) / many,
        "",
    );
    values.put("bell: bytes of Redis for a ready segment", bytes, "");
}

/// Pops again and again.
async fn empty_out(bell: &RedisBell, popped: &AtomicUsize) {
    loop {
        let ids = bell.pop(AT_ONCE, Duration::from_secs(2)).await.unwrap();
        popped.fetch_add(ids.len(), Ordering::Relaxed);
    }
}

async fn used_memory(redis: &PrivateRedis) -> f64 {
    let info = crate::world::info(redis, "memory").await;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

/// Tasks a second; 0 where the backlog stands still.
async fn apalis(program: &Path, redis: &PrivateRedis, backlog: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("apalis.log");
    let mut command = Command::new(program);
    command.args([&redis.tcp_url(), &backlog.to_string()]);
    let process = Process::start(&mut command, &log);
    usage::of_ended(process, Instant::now()).await;
    let said = std::fs::read_to_string(&log).unwrap();
    let told: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    told["carried"].as_f64().unwrap_or(0.0)
}
