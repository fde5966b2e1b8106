//! How a million dead letters are to work with, on a private Postgres with durable commits and in a SQLite file:
//! `cargo run --release -p ledgerfleet-ledger --example measure-dead-letters`. With `postgres` or `sqlite` as its
//! argument it measures that one alone.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of the developers'"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledgerfleet_ledger::conformance::scene::{
    LEASE, credential, daily, day, failure, new_connection, new_run, worker,
};
use ledgerfleet_ledger::{
    DeadLetterFilter, Dropped, Effort, Ledger, Listing, PostgresLedger, PostgresOptions, ReplayRequest,
    SqliteLedger, WhichReplays,
};
use ledgerfleet_model::segment::Settlement;
use ledgerfleet_model::{ConnectionId, FailureKind, Lane, Outcome, RunId, SystemClock, Timings};
use ledgerfleet_testkit::{PrivatePostgres, Settings};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

/// Copies the one segment there is a million times: dead, of twenty companies in turn, five reasons, a hundred causes.
const MULTIPLY: &str = "
    INSERT INTO {segments} (id, run_id, connection_id, entity, lane, format, state, axis, day_from, day_to, page_size,
        due_at, created_at, ended_at, attempt, reason, message, fingerprint)
    SELECT {id}, s.run_id, c.id, CASE n % 3 WHEN 0 THEN 'invoice' WHEN 1 THEN 'bill' ELSE 'payment' END, s.lane,
        s.format, 'dead', s.axis, {day}, {day_after}, s.page_size, s.due_at, s.created_at, {ended}, 6,
        CASE n % 5 WHEN 0 THEN 'bad_request' WHEN 1 THEN 'timeout' WHEN 2 THEN 'network' WHEN 3 THEN 'upstream_error'
            ELSE 'malformed' END,
        'QuickBooks says: Invalid Reference Id: the object ' || n || ' was not found or has been made inactive',
        {print}
    FROM {numbers}
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM {connections}) AS c ON c.place = n % 20
    CROSS JOIN (SELECT * FROM {segments} WHERE state = 'dead') AS s";

#[tokio::main]
async fn main() {
    let only = std::env::args().nth(1);
    let wanted = |which: &str| only.as_deref().is_none_or(|only| only == which);
    if wanted("postgres") {
        measure_postgres().await;
    }
    if wanted("sqlite") {
        measure_sqlite().await;
    }
}

async fn measure_postgres() {
    let postgres = PrivatePostgres::start_with(&Settings {
        durable: true,
        ..Settings::default()
    });
    let url = postgres.url("postgres");
    let options = PostgresOptions::default();
    PostgresLedger::migrate(&url, &options).await.unwrap();
    let ledger = PostgresLedger::connect(&url, &options).await.unwrap();
    println!("Postgres");
    let run = begin(&ledger).await;
    let multiply = MULTIPLY
        .replace("{segments}", "fleet.segments")
        .replace("{connections}", "fleet.connections")
        .replace("{numbers}", "generate_series(1, 1000000) AS n")
        .replace("{id}", "gen_random_uuid()")
        .replace("{day_after}", "date '2020-01-02' + n % 2000")
        .replace("{day}", "date '2020-01-01' + n % 2000")
        .replace("{ended}", "now() - n * interval '1 ms'")
        .replace(
            "{print}",
            "CASE n % 100 WHEN 0 THEN s.fingerprint ELSE left(md5((n % 100)::text), 16) END",
        );
    postgres.command(&multiply);
    postgres.command("ANALYZE fleet.segments");
    work(&ledger, run).await;
}

async fn measure_sqlite() {
    println!("SQLite");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&file, Arc::new(SystemClock)).await.unwrap();
    let run = begin(&ledger).await;
    let multiply = MULTIPLY
        .replace("{segments}", "fleet_segments")
        .replace("{connections}", "fleet_connections")
        .replace(
            "{numbers}",
            "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000)
              SELECT n FROM numbers)",
        )
        .replace(
            "{id}",
            "lower(printf('%08x-0000-7000-8000-%s', n, hex(randomblob(6))))",
        )
        .replace("{day_after}", "date('2020-01-02', '+' || (n % 2000) || ' days')")
        .replace("{day}", "date('2020-01-01', '+' || (n % 2000) || ' days')")
        .replace(
            "{ended}",
            "strftime('%Y-%m-%dT%H:%M:%S', 'now', '-' || (n / 1000) || ' seconds')
            || printf('.%06dZ', (n % 1000) * 1000)",
        )
        .replace(
            "{print}",
            "CASE n % 100 WHEN 0 THEN s.fingerprint ELSE printf('%016x', n % 100) END",
        );
    let mut sql = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(multiply))
        .execute(&mut sql)
        .await
        .unwrap();
    sql.close().await.unwrap();
    work(&ledger, run).await;
}

/// Twenty companies and a run with one dead segment.
async fn begin(ledger: &dyn Ledger) -> RunId {
    let mut companies = Vec::new();
    for _ in 0..20 {
        let new = new_connection(&ConnectionId::new().to_string());
        companies.push(ledger.add_connection(&new, &credential(1)).await.unwrap().id);
    }
    let run = new_run(Lane::Backfill, "everything");
    let plan: Vec<_> = companies.iter().flat_map(|company| daily(*company, 1)).collect();
    let first = plan[0].id;
    ledger.submit(&run, &mut plan.into_iter()).await.unwrap();
    let claim = ledger
        .claim(&[first], &worker("north-1"), LEASE)
        .await
        .unwrap()
        .remove(0);
    let settlement = Settlement::of(
        first,
        claim.standing,
        &Outcome::Dead,
        failure(FailureKind::BadRequest),
        &Timings::default(),
    );
    ledger
        .settle(&settlement.unwrap(), &Effort::default())
        .await
        .unwrap();
    run.id
}

fn told(what: &str, began: Instant) {
    println!("  {what}: {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
}

/// What people do with them, one after the other.
async fn work(ledger: &dyn Ledger, run: RunId) {
    let company = ledger.connections().await.unwrap()[7].id;
    let print = ledger
        .dead_letter_groups(&DeadLetterFilter::default(), 1)
        .await
        .unwrap()
        .remove(0)
        .fingerprint;
    let any = DeadLetterFilter::default;
    let filters = [
        ("all", any()),
        (
            "one company",
            DeadLetterFilter {
                connections: vec![company],
                ..any()
            },
        ),
        (
            "one entity",
            DeadLetterFilter {
                entities: vec!["bill".to_owned()],
                ..any()
            },
        ),
        (
            "one reason",
            DeadLetterFilter {
                reason: Some(FailureKind::Network),
                ..any()
            },
        ),
        (
            "one cause",
            DeadLetterFilter {
                fingerprint: Some(print),
                ..any()
            },
        ),
        (
            "one run",
            DeadLetterFilter {
                run: Some(run),
                ..any()
            },
        ),
        (
            "a month",
            DeadLetterFilter {
                from: Some(day(0)),
                to: Some(day(30)),
                ..any()
            },
        ),
        (
            "no match",
            DeadLetterFilter {
                reason: Some(FailureKind::Stalled),
                ..any()
            },
        ),
    ];
    for (what, filter) in &filters {
        let began = Instant::now();
        let count = ledger.count_dead_letters(filter).await.unwrap();
        told(&format!("count, {what} ({count})"), began);
        let began = Instant::now();
        let listed = ledger.dead_letters(filter, &Listing::newest(100)).await.unwrap();
        told(&format!("list of 100, {what}"), began);
        if let Some(last) = listed.last() {
            let next = Listing {
                after: Some(last.id),
                ..Listing::newest(100)
            };
            let began = Instant::now();
            ledger.dead_letters(filter, &next).await.unwrap();
            told(&format!("the next 100, {what}"), began);
        }
        let began = Instant::now();
        ledger
            .dead_letters(filter, &Listing::oldest(1_000))
            .await
            .unwrap();
        told(&format!("preview of 1000, {what}"), began);
        let began = Instant::now();
        let groups = ledger.dead_letter_groups(filter, 100).await.unwrap().len();
        told(&format!("groups, {what} ({groups})"), began);
    }
    let began = Instant::now();
    ledger.dead_letter_counts().await.unwrap();
    told("counts for metrics", began);
    let began = Instant::now();
    ledger.stop_replays().await.unwrap();
    told("a look for replays to stop", began);
    show(ledger, run, "nothing sent").await;
    change(ledger, run).await;
}

/// What a person is shown of the run that all are of.
async fn show(ledger: &dyn Ledger, run: RunId, when: &str) {
    let began = Instant::now();
    ledger.run(run).await.unwrap();
    told(&format!("report of the run, {when}"), began);
    let began = Instant::now();
    ledger.volumes(run).await.unwrap();
    told(&format!("volumes of the run, {when}"), began);
    let began = Instant::now();
    ledger.replays(WhichReplays::OfRun(run), 20).await.unwrap();
    told(&format!("replays of the run, {when}"), began);
}

async fn change(ledger: &dyn Ledger, run: RunId) {
    let before = peak_memory();
    let began = Instant::now();
    let request = ReplayRequest {
        per_minute: Some(60_000),
        ..ReplayRequest::default()
    };
    let replayed = ledger.replay(&request).await.unwrap();
    told(&format!("replay of {}", replayed.segments), began);
    println!("  memory grew by {} MB", peak_memory() - before);
    let began = Instant::now();
    ledger.replays(WhichReplays::All, 20).await.unwrap();
    told("how it fares", began);
    show(ledger, run, "all sent").await;
    stop(ledger).await;
    let before = peak_memory();
    let began = Instant::now();
    let dropped = ledger
        .drop_dead_letters(&DeadLetterFilter::default(), "measure")
        .await
        .unwrap();
    told(&format!("drop of {dropped}"), began);
    println!("  memory grew by {} MB", peak_memory() - before);
    let hidden = DeadLetterFilter {
        dropped: Dropped::Only,
        ..DeadLetterFilter::default()
    };
    let began = Instant::now();
    ledger.dead_letters(&hidden, &Listing::newest(100)).await.unwrap();
    told("list of 100 dropped", began);
    let began = Instant::now();
    ledger
        .dead_letters(&DeadLetterFilter::default(), &Listing::newest(100))
        .await
        .unwrap();
    told("list where none is left", began);
}

/// Lets one die of its old cause, and takes the others back.
async fn stop(ledger: &dyn Ledger) {
    let limits = ledgerfleet_ledger::conformance::scene::limits(9);
    let due = ledger.due(&limits).await.unwrap();
    let ids: Vec<_> = due.iter().map(|ready| ready.segment).collect();
    let claims = ledger.claim(&ids, &worker("north-1"), LEASE).await.unwrap();
    // One of them at least has the cause that it dies of.
    for claim in &claims {
        let settlement = Settlement::of(
            claim.segment,
            claim.standing,
            &Outcome::Dead,
            failure(FailureKind::BadRequest),
            &Timings::default(),
        );
        ledger
            .settle(&settlement.unwrap(), &Effort::default())
            .await
            .unwrap();
    }
    let (began, mut turns, mut longest) = (Instant::now(), 0, Duration::ZERO);
    loop {
        let turn = Instant::now();
        if ledger.stop_replays().await.unwrap().is_empty() {
            break;
        }
        turns += 1;
        longest = longest.max(turn.elapsed());
    }
    told(&format!("stop in {turns} turns, the longest {longest:?}"), began);
}

/// The most memory this process has used so far, in megabytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
