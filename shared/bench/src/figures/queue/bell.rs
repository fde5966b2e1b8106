//! The bell alone, beside apalis-redis on the same server.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ledgerfleet_coordination::{Bell, RedisBell, RedisParts};
use ledgerfleet_model::{Lane, SegmentId};
use ledgerfleet_testkit::{PrivateRedis, Process};

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
    RedisParts::new(&redis.tcp_url(), "bench", None).unwrap().bell
}

async fn ours(redis: &PrivateRedis, rounds: usize, values: &mut Values) {
    let leader = client(redis);
    let clients: Vec<RedisBell> = (0..CLIENTS).map(|_| client(redis)).collect();
    let ids: Vec<SegmentId> = (0..OFFERED).map(|_| SegmentId::new()).collect();
    let empty = used_memory(redis).await;
    leader.replace(Lane::Backfill, &ids).await.unwrap();
    let bytes = (used_memory(redis).await - empty) / OFFERED as f64;
    let sent = count_commands(redis).await;
    let began = Instant::now();
    for _ in 0..rounds {
        leader.replace(Lane::Backfill, &ids).await.unwrap();
        let popped: usize = join_all(clients.iter().map(empty_out)).await.into_iter().sum();
        assert_eq!(popped, OFFERED, "each is handed out once");
    }
    let seconds = began.elapsed().as_secs_f64();
    let many = (rounds * OFFERED) as f64;
    values.put("bell: segments a second", many / seconds, "");
    values.put(
        "bell: commands for a segment",
        (count_commands(redis).await - sent) / many,
        "",
    );
    values.put("bell: bytes of Redis for a ready segment", bytes, "");
}

/// Pops until nothing is left.
async fn empty_out(bell: &RedisBell) -> usize {
    let mut popped = 0;
    loop {
        let ids = bell.pop(AT_ONCE, Duration::from_millis(1)).await.unwrap();
        if ids.is_empty() {
            return popped;
        }
        popped += ids.len();
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
