//! Guards that nothing else would miss: what may not be believed, what must not go on, and what everyone must hear.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_coordination::{LockKey, Start, Taken};
use ledgerfleet_emulator::{
    Clock, CompanySpec, EmulatorOptions, FaultKind, FaultSpec, Rate, Size, ThrottleBody,
};
use ledgerfleet_ledger::{CoverageFilter, CoverageState, NewRun, NewSegment, Steer};
use ledgerfleet_model::{
    Connection, Days, Epoch, FailureKind, InstantField, Lane, RunId, RunState, SegmentId, Window,
};
use ledgerfleet_testkit::wait::{PATIENCE, until};

use crate::fleet::Fleet;
use crate::world::{LAST_DAY, Runner, World, options};

/// Much longer than what a worker that was told nothing would guess.
const LONG: std::time::Duration = std::time::Duration::from_mins(30);

/// Midnight, so many days before the day after the last one.
fn midnight_before(days: u64) -> DateTime<Utc> {
    let day = LAST_DAY + chrono::Days::new(1) - chrono::Days::new(days);
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Submits one window of a company's invoices.
async fn submit(world: &World, company: &Connection, window: Window, page_size: u32) -> (RunId, SegmentId) {
    let axis = window.axis();
    let segment = NewSegment {
        id: SegmentId::new(),
        connection: company.id,
        entity: "invoice".to_owned(),
        work: window.into(),
    };
    let (id, run) = (segment.id, RunId::new());
    let new = NewRun {
        id: run,
        lane: Lane::Backfill,
        connections: vec![company.name.clone()],
        entities: vec!["invoice".to_owned()],
        from: None,
        to: None,
        axis,
        segmenting: "day".to_owned(),
        page_size,
        request_key: run.to_string(),
        trace_context: None,
    };
    let ledger = &world.parts.ledger;
    ledger.submit(&new, &mut std::iter::once(segment)).await.unwrap();
    world.parts.bell.ring().await.unwrap();
    (run, id)
}

/// A world in which no request ever times out, and the first one is answered in a day.
async fn with_an_answer_that_does_not_come() -> World {
    let patient = [
        "LEDGERFLEET_TIMINGS_REQUEST",
        "LEDGERFLEET_TIMINGS_FIRST_BYTE",
        "LEDGERFLEET_TIMINGS_IDLE",
        "LEDGERFLEET_TIMINGS_PROGRESS",
    ];
    let patient = patient.map(|timing| (timing, "1000h".to_owned()));
    let world = World::on(options(), Some(1_000.0), patient.into()).await;
    world.emulator.set_fault(FaultSpec {
        nth: Some(1),
        ..FaultSpec::always(FaultKind::Delay { millis: 86_400_000 })
    });
    world
}

async fn until_its_request_is_sent(world: &World) {
    until("a request is sent", PATIENCE, async || {
        world.emulator.summary().requests == 1
    })
    .await;
}

fn last_day() -> Window {
    let days = Days {
        from: LAST_DAY,
        to: LAST_DAY + chrono::Days::new(1),
    };
    Window::Dates { days }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_hears_that_its_claim_is_lost_gives_its_place_to_another() {
    let world = with_an_answer_that_does_not_come().await;
    let (cancelled, _) = submit(&world, &world.connections[0], last_day(), 1_000).await;
    let runner = Runner::start(&world.parts, 1);
    until_its_request_is_sent(&world).await;
    let ledger = &world.parts.ledger;
    ledger.steer_run(cancelled, Steer::Cancel).await.unwrap();
    let next = world.submit(&["journal_entry"], 3, 1_000).await;
    let report = world.until(next, |report| report.state.is_over()).await;
    assert_eq!(report.state, RunState::Done);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_that_waits_to_be_alone_holds_back_no_other_claim() {
    let world = with_an_answer_that_does_not_come().await;
    submit(&world, &world.connections[0], last_day(), 1_000).await;
    let runner = Runner::start(&world.parts, 2);
    until_its_request_is_sent(&world).await;
    // The attempt in the first place is stuck. What has crashed twice must be alone.
    world
        .sql(
            "CREATE TRIGGER suspects AFTER INSERT ON fleet_segments WHEN NEW.entity = 'customer'
             BEGIN UPDATE fleet_segments SET crashes = 2 WHERE id = NEW.id; END",
        )
        .await;
    let suspect = world.submit(&["customer"], 1, 1_000).await;
    world.until(suspect, |report| report.running == 1).await;
    let others = world.submit(&["journal_entry"], 10, 1_000).await;
    let report = world.until(others, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.done), (RunState::Done, 10));
    let report = world.until(suspect, |_| true).await;
    assert_eq!(report.running, 1, "it still waits to be alone");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_whose_lock_is_taken_stops_and_the_window_is_read_anew() {
    let world = with_an_answer_that_does_not_come().await;
    let (run, segment) = submit(&world, &world.connections[0], last_day(), 1_000).await;
    let runner = Runner::start(&world.parts, 1);
    until_its_request_is_sent(&world).await;
    let key = LockKey {
        connection: world.connections[0].id,
        entity: "invoice".to_owned(),
        window: last_day(),
    };
    let locks = &world.parts.locks;
    let ttl = world.parts.timings.lock_ttl;
    let taken = locks.take(&key, segment, Epoch(99), ttl).await.unwrap();
    assert!(matches!(taken, Taken::Taken(_)));
    let report = world.until(run, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.done), (RunState::Done, 1));
    runner.stop().await;
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_too_close_to_its_end_is_covered_and_stays_open() {
    for page_size in [3, 1_000] {
        let mut world = World::new().await;
        // So much that midnight before the fifth-last day lies outside, and the next one inside, for twelve hours.
        let noon = midnight_before(5) + chrono::TimeDelta::hours(12);
        world.parts.timings.upper_margin = (world.parts.clock.now() - noon).to_std().unwrap();
        let run = world.submit(&["invoice"], 10, page_size).await;
        assert_eq!(world.run_to_the_end(run).await.state, RunState::Done);
        let ledger = &world.parts.ledger;
        let mut coverage = ledger.coverage(&CoverageFilter::default()).await.unwrap();
        coverage.sort_by_key(|row| row.from);
        let states: Vec<_> = coverage.iter().map(|row| row.state).collect();
        let expected = [[CoverageState::Complete; 5], [CoverageState::Open; 5]].concat();
        assert_eq!(states, expected, "pages of {page_size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_upstreams_own_clock_has_not_reached_stays_open_however_far_ahead_ours_is() {
    for page_size in [3, 1_000] {
        let its_clock = EmulatorOptions {
            clock: Clock::frozen_at(midnight_before(3) + chrono::TimeDelta::hours(12)),
            rate: Rate::Off,
            ..options()
        };
        let world = World::with(its_clock, Some(1_000.0)).await;
        let run = world.submit(&["invoice"], 10, page_size).await;
        assert_eq!(world.run_to_the_end(run).await.state, RunState::Done);
        let ledger = &world.parts.ledger;
        let mut coverage = ledger.coverage(&CoverageFilter::default()).await.unwrap();
        coverage.sort_by_key(|row| row.from);
        let open = coverage.iter().filter(|row| row.state == CoverageState::Open);
        assert_eq!(
            (coverage.len(), open.count()),
            (10, 3),
            "pages of {page_size}: {coverage:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_in_the_plan_is_believed_as_the_first_word_on_a_window_only() {
    for (page_size, nth) in [
        (1_000, 1),
        (3, 2),
        (3, 3),
        (3, 4),
        (1, 2),
        (1, 5),
        (1, 9),
        (1, 12),
    ] {
        let world = World::new().await;
        // Twice, because a page is then asked for once more, in other words.
        for nth in [nth, nth + 1] {
            world.emulator.set_fault(FaultSpec {
                nth: Some(nth),
                ..FaultSpec::always(FaultKind::Fault {
                    status: 403,
                    code: 5_030,
                })
            });
        }
        // Of a window of instants nothing that is stored can speak against it.
        let (start, end) = (midnight_before(2), midnight_before(0));
        let window = Window::Instants {
            field: InstantField::Created,
            days: Some(Days {
                from: start.date_naive(),
                to: end.date_naive(),
            }),
            start,
            end,
        };
        let (run, _) = submit(&world, &world.connections[0], window, page_size).await;
        let report = world.run_to_the_end(run).await;
        let ledger = &world.parts.ledger;
        let coverage = ledger.coverage(&CoverageFilter::default()).await.unwrap();
        let believed = coverage[0].note.is_some();
        assert_eq!(
            (report.state, believed, coverage[0].rows == 0),
            (RunState::Done, nth == 1, nth == 1),
            "request {nth} of pages of {page_size}: {coverage:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_slow_down_closes_the_gate_to_every_other_process() {
    let companies = ["north", "south"].map(|name| CompanySpec::new(name, Size::Small));
    let two = EmulatorOptions {
        companies: companies.into(),
        ..options()
    };
    let mut fleet = Fleet::with(two, Some(1_000.0), Vec::new()).await;
    for (company, status, body) in [("north", 429, None), ("south", 403, Some(ThrottleBody::Xml))] {
        let throttle = FaultKind::Throttle {
            status: Some(status),
            body,
            retry_after: Some(86_400),
        };
        fleet.world.emulator.set_fault(FaultSpec {
            company: Some(company.to_owned()),
            ..FaultSpec::always(throttle)
        });
    }
    fleet.start_workers(1);
    let parts = &fleet.world.parts;
    let entry = connector_entry("quickbooks").unwrap();
    for connection in &fleet.world.connections {
        let (_, segment) = submit(&fleet.world, connection, last_day(), 1_000).await;
        until("an attempt is told to slow down", PATIENCE, async || {
            let attempts = parts.ledger.attempts(segment).await.unwrap();
            let throttled = FailureKind::Throttled.to_string();
            attempts.iter().any(|attempt| attempt.reason == throttled)
        })
        .await;
        let limits = parts.gate_limits(connection, entry);
        let start = parts.gate.start(connection.id, &limits).await.unwrap();
        assert!(
            matches!(start, Start::Closed(left) if left > LONG),
            "{}: {start:?}",
            connection.name
        );
    }
}
