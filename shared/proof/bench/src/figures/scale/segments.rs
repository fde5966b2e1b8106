//! Segments: what many of them cost on their way from the request to the end.

use std::time::{Duration, Instant};

use ledgerfleet_duties::{dispatch, open_gates};
use ledgerfleet_ledger::DispatchLimits;
use ledgerfleet_model::RunId;

use super::dead_letters;
use crate::statistics::quantile;
use crate::usage::memory;
use crate::world::{Books, Ground, LAST, Limits, World, empty_days};
use crate::{Bench, Reach, Values};

/// What the costs of a segment are called.
pub(super) const COSTS: [&str; 3] = [TIME, CPU, CPU_OF_POSTGRES];
const TIME: &str = "time of a segment";
const CPU: &str = "processor time of a segment, ours";
const CPU_OF_POSTGRES: &str = "processor time of a segment, Postgres";

/// Segments that a leader offers at once, as it does itself.
const OFFERED: usize = 2_000;

pub(super) async fn measure(bench: &Bench, many: usize) -> Values {
    let mut world = world(bench).await;
    let mut values = Values::default();
    let run = save(&world, many, &mut values).await;
    carry(&mut world, run, many, &mut values).await;
    values
}

/// With what is asked of a million only.
pub(super) async fn measure_million(bench: &Bench) -> Values {
    let many = bench.of(1_000_000, 400);
    let mut world = world(bench).await;
    let mut values = Values::default();
    let run = save(&world, many, &mut values).await;
    sizes(&world, "saved", &mut values).await;
    carry(&mut world, run, many, &mut values).await;
    sizes(&world, "carried", &mut values).await;
    dead_letters::preview(&world, many, &mut values).await;
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
    // Before the only day of the books, so that every day is empty.
    let to = LAST - chrono::Days::new(1);
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
    values.judge("saved in", usage.seconds, "s", Reach::AtMost(20.0));
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
        let offered = dispatch(
            &*world.parts.ledger,
            &*world.parts.bell,
            &limits,
            &world.parts.budget,
        )
        .await
        .unwrap();
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(offered > 0, "something is due");
    }
    values.put("a dispatch", quantile(&took, 0.5), "ms");
}

/// Hires two workers and lets them carry something of every connection, while the others wait: tokens are exchanged and
/// statements prepared once, however many segments there are.
async fn warm_up(world: &mut World) {
    world.execute("UPDATE fleet.runs SET state = 'paused'").await;
    for _ in 0..2 {
        world.hire(32);
    }
    let connections = world.ids();
    let few = 4 * connections.len();
    let run = world.submit(empty_days(&connections, few)).await;
    world.until_done(run).await;
    world.settle_down().await;
}

/// Two workers carry all of them.
async fn carry(world: &mut World, run: RunId, many: usize, values: &mut Values) {
    warm_up(world).await;
    let redis = world.sent_to_redis().await;
    let (postgres, upstream) = (world.cpu_of_postgres(), world.upstream.process.cpu());
    let before = cpu_of_workers(world);
    world
        .execute("UPDATE fleet.runs SET state = 'active' WHERE state = 'paused'")
        .await;
    world.parts.bell.ring().await.unwrap();
    let (carried, seconds) = world.until_so_many(run, many).await;
    let each = |sum: f64| sum / carried * 1e6;
    let ours = cpu_of_workers(world) - before;
    let workers = world.fleet.workers.iter();
    let most = workers.map(|worker| memory(&worker.process)).fold(0.0, f64::max);
    values.put("segments a second", carried / seconds, "");
    values.put(TIME, each(seconds), "µs");
    values.put(CPU, each(ours), "µs");
    let postgres = world.cpu_of_postgres() - postgres;
    values.put(CPU_OF_POSTGRES, each(postgres), "µs");
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

fn cpu_of_workers(world: &World) -> f64 {
    let workers = world.fleet.workers.iter();
    workers.map(|worker| worker.process.cpu().as_secs_f64()).sum()
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

/// Connections of every case of segments.
fn connections(bench: &Bench) -> usize {
    bench.of(200, 20)
}
