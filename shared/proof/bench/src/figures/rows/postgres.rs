//! Rows into Postgres by a worker, beside COPY and `dlt`.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::postgres::PgPoolCopyExt;

use super::dlt::{self, Ours};
use super::ground::{Amount, ground};
use crate::usage::memory;
use crate::world::World;
use crate::{Bench, Reach, Values};

/// Segments at once.
const CONCURRENCY: u32 = 64;

/// Days of the other company that a worker carries first.
const WARM_UP_DAYS: u32 = 60;

/// How much of a copy is sent at once.
const CHUNK: usize = 256 * 1024;

pub(crate) async fn measure(bench: &Bench, amount: Amount) -> Values {
    let mut world = World::new(bench, &ground(amount)).await;
    let mut values = Values::default();
    let ours = carry(&mut world, amount, &mut values).await;
    let rows = values.get("rows").unwrap();
    let copied = copy(&world, &mut values).await;
    values.judge(
        "rate, as a share of COPY's",
        copied / ours.seconds,
        "",
        Reach::AtLeast(0.5),
    );
    if let Some(python) = &bench.python {
        let dlt = dlt::extract(bench, python, &world).await;
        assert_eq!(dlt.rows, rows, "both read the same rows");
        dlt::compare(&mut values, &dlt, &ours);
    }
    world.upstream.stop().await;
    values
}

/// Leaves what was measured: that of the first company.
const FORGET_THE_OTHER: &str =
    "DELETE FROM raw.qbo_invoice WHERE connection_id <> '00000000-0000-0000-0000-000000000001'";

const ROWS_TOLD: &str = "SELECT sum(rows)::float8 FROM fleet.segments \
                         WHERE connection_id = '00000000-0000-0000-0000-000000000001'";

/// Has the server make files of its log that are used again afterwards, by whoever comes first.
const WRITE_LOG: &str = "CREATE TABLE public.filler AS SELECT repeat(md5(i::text), 60) FROM generate_series(1, 100000) AS i; \
                         DROP TABLE public.filler";

/// Lets the worker open its sessions, prepare its statements and exchange tokens, on some days of another company: COPY's
/// session is open, too.
async fn warm_up(world: &World) {
    let run = world.submit_last_days(1, WARM_UP_DAYS).await;
    let seconds = world.until_done(run).await;
    assert!(seconds > 0.0, "something was carried");
}

/// A worker brings everything.
async fn carry(world: &mut World, amount: Amount, values: &mut Values) -> Ours {
    let number = world.hire(CONCURRENCY);
    world.until_ready(number).await;
    warm_up(world).await;
    world.execute(WRITE_LOG).await;
    world.execute("CHECKPOINT").await;
    let (postgres, upstream) = (world.cpu_of_postgres(), world.upstream.process.cpu());
    let run = world.submit_last_days(0, amount.days).await;
    let seconds = world.until_done(run).await;
    let worker = &world.fleet.workers[number].process;
    let (cpu, memory) = (worker.cpu().as_secs_f64(), memory(worker));
    world.execute(FORGET_THE_OTHER).await;
    let rows = world.number("SELECT count(*)::float8 FROM raw.qbo_invoice").await;
    let told = world.number(ROWS_TOLD).await;
    assert_eq!(rows, told, "what was read is stored");
    let bytes = world
        .number("SELECT avg(length(payload::text))::float8 FROM raw.qbo_invoice")
        .await;
    values.put("rows", rows, "");
    values.put("bytes of an invoice", bytes, "");
    values.put("ours: time", seconds, "s");
    values.put("ours: rows a second", rows / seconds, "");
    values.put("worker: processor time", cpu, "s");
    values.judge("worker: memory at most", memory, "MiB", Reach::AtMost(100.0));
    values.put(
        "Postgres: processor time",
        world.cpu_of_postgres() - postgres,
        "s",
    );
    let upstream = world
        .upstream
        .process
        .cpu()
        .saturating_sub(upstream)
        .as_secs_f64();
    values.put("emulator: processor time", upstream, "s");
    sizes(world, values).await;
    world.fleet.stop().await;
    Ours { seconds, cpu, memory }
}

/// What the records take on the disk, and what is remembered of windows that are being read.
async fn sizes(world: &World, values: &mut Values) {
    for (name, query) in [
        (
            "records: table",
            "SELECT pg_table_size('raw.qbo_invoice')::float8 / 1048576",
        ),
        (
            "records: indexes",
            "SELECT pg_indexes_size('raw.qbo_invoice')::float8 / 1048576",
        ),
        (
            "ids that were seen: table and index",
            "SELECT pg_total_relation_size('fleet.seen')::float8 / 1048576",
        ),
    ] {
        values.put(name, world.number(query).await, "MiB");
    }
}

/// The same rows once more, by COPY; in how many seconds.
async fn copy(world: &World, values: &mut Values) -> f64 {
    let out = world
        .database
        .copy_out_raw("COPY (SELECT * FROM raw.qbo_invoice) TO STDOUT")
        .await
        .unwrap();
    let rows: Vec<u8> = out
        .try_fold(Vec::new(), async |mut rows, part| {
            rows.extend_from_slice(&part);
            Ok(rows)
        })
        .await
        .unwrap();
    world
        .execute(
            "CREATE SCHEMA bench; CREATE TABLE bench.copied (LIKE raw.qbo_invoice INCLUDING ALL); CHECKPOINT",
        )
        .await;
    let postgres = world.cpu_of_postgres();
    let began = Instant::now();
    let mut sink = world
        .database
        .copy_in_raw("COPY bench.copied FROM STDIN")
        .await
        .unwrap();
    for part in rows.chunks(CHUNK) {
        sink.send(part).await.unwrap();
    }
    let copied = sink.finish().await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(Some(copied as f64), values.get("rows"), "all were copied");
    values.put("COPY: time", seconds, "s");
    values.put(
        "COPY: processor time of Postgres",
        world.cpu_of_postgres() - postgres,
        "s",
    );
    seconds
}
