//! Segments: what many of them cost on their way from the request to the end.

use std::time::{Duration, Instant};

use ledgerfleet_dispatch::{dispatch, open_gates};
use ledgerfleet_ledger::DispatchLimits;
use ledgerfleet_model::RunId;

use super::{connections, dead_letters};
use crate::statistics::quantile;
use crate::usage::memory;
use crate::world::{Books, Ground, Limits, World};
use crate::{Bench, Reach, Values};

/// What the cost of a segment is called.
pub(super) const TIME: &str = "time of a segment";
pub(super) const CPU: &str = "processor time of a segment, ours";

/// Segments that a leader offers at once, as it does itself.
const OFFERED: usize = 2_000;

pub(super) async fn measure(bench: &Bench, many: usize) -> Values {
    let mut world = world(bench).await;
    let mut values = Values::default();
    let run = save(&world, many, &mut values).await;
    carry(&mut world, run, many, &mut values).await;
    values
}

/// Carries the first hundred thousand of a million, so that what such a heap costs is known in minutes.
pub(super) async fn measure_first(bench: &Bench) -> Values {
    measure_of_million(bench, bench.of(100_000, 200)).await
}

/// Carries all of a million.
pub(super) async fn measure_million(bench: &Bench) -> Values {
    measure_of_million(bench, million(bench)).await
}

fn million(bench: &Bench) -> usize {
    bench.of(1_000_000, 400)
}

/// With what is asked of a million only.
async fn measure_of_million(bench: &Bench, carried: usize) -> Values {
    let mut world = world(bench).await;
    let mut values = Values::default();
    let run = save(&world, million(bench), &mut values).await;
    let saved = values.get("saved in").unwrap();
    values.judge("a million saved in", saved, "s", Reach::AtMost(20.0));
    sizes(&world, "saved", &mut values).await;
    carry(&mut world, run, carried, &mut values).await;
    sizes(&world, "carried", &mut values).await;
    dead_letters::preview(&world, million(bench), &mut values).await;
    values
}

async fn world(bench: &Bench) -> World {
    let books = Books {
        companies: (0..connections(bench))
            .map(|number| format!("company-{number}=small"))
            .collect(),
        days: 1,
        rate: "off",
        latency: Duration::ZERO,
    };
    World::new(
        bench,
        &Ground {
            books,
            limits: Limits::Off { slots: 9 },
        },
    )
    .await
}

/// Saves segments, and looks what a dispatch takes beside them.
async fn save(world: &World, many: usize, values: &mut Values) -> RunId {
    let days = (many / world.connections.len()) as u64;
    // Before the books, so that every day is empty.
    let to = chrono::NaiveDate::from_ymd_opt(2026, 6, 29).unwrap();
    let from = to - chrono::Days::new(days - 1);
    let (from, to) = (from.to_string(), to.to_string());
    let arguments = [
        "backfill",
        "--connection",
        "all",
        "--entity",
        "invoice",
        "--from",
        &from,
        "--to",
        &to,
        "--quiet",
    ];
    let (usage, _) = world.scheduler("backfill", &arguments, &world.variables).await;
    values.put("saved in", usage.seconds, "s");
    values.put("saving: memory at most", usage.memory, "MiB");
    let id = sqlx::query_scalar("SELECT id FROM fleet.runs")
        .fetch_one(&world.database)
        .await;
    dispatches(world, values).await;
    RunId(id.unwrap())
}

async fn dispatches(world: &World, values: &mut Values) {
    let limits = DispatchLimits {
        slots: world.parts.duties().slots,
        total: OFFERED,
    };
    // As a leader does before it offers anything: gates that nobody knows stay closed for a while.
    open_gates(&*world.parts.ledger, &*world.parts.gate)
        .await
        .unwrap();
    let mut took = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        let offered = dispatch(&*world.parts.ledger, &*world.parts.bell, &limits)
            .await
            .unwrap();
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(offered > 0, "something is due");
    }
    values.put("a dispatch", quantile(&took, 0.5), "ms");
}

/// Two workers carry so many of them.
async fn carry(world: &mut World, run: RunId, many: usize, values: &mut Values) {
    let redis = world.sent_to_redis().await;
    let (postgres, upstream) = (world.cpu_of_postgres(), world.upstream.process.cpu());
    for _ in 0..2 {
        world.hire(32);
    }
    let (carried, seconds) = world.until_so_many(run, many).await;
    let each = |sum: f64| sum / carried * 1e6;
    let workers: Vec<_> = world.fleet.workers.iter().map(|worker| &worker.process).collect();
    let ours: f64 = workers.iter().map(|process| process.cpu().as_secs_f64()).sum();
    let most = workers.iter().map(|process| memory(process)).fold(0.0, f64::max);
    values.put("segments a second", carried / seconds, "");
    values.put(TIME, each(seconds), "µs");
    values.put(CPU, each(ours), "µs");
    values.put(
        "processor time of a segment, Postgres",
        each(world.cpu_of_postgres() - postgres),
        "µs",
    );
    let upstream = world
        .upstream
        .process
        .cpu()
        .saturating_sub(upstream)
        .as_secs_f64();
    values.put("processor time of a segment, emulator", each(upstream), "µs");
    let sent = world.sent_to_redis().await - redis;
    values.put("commands to Redis for a segment", sent / carried, "");
    values.put("memory of a worker at most", most, "MiB");
    world.fleet.stop().await;
}

/// What tables and indexes take on the disk.
async fn sizes(world: &World, when: &str, values: &mut Values) {
    for (name, query) in [
        (
            "segments, table",
            "SELECT pg_table_size('fleet.segments')::float8 / 1048576",
        ),
        (
            "segments, indexes",
            "SELECT pg_indexes_size('fleet.segments')::float8 / 1048576",
        ),
        (
            "coverage, table and indexes",
            "SELECT pg_total_relation_size('fleet.coverage')::float8 / 1048576",
        ),
    ] {
        values.put(format!("{name}, when {when}"), world.number(query).await, "MiB");
    }
}
