use std::time::Duration;

use ledgerfleet_emulator::{
    CompanySpec, CutLength, DropMoment, EmulatorOptions, FaultKind, FaultSpec, Size, Surface, ThrottleBody,
};
use ledgerfleet_ledger::{BrakeScope, DeadLetterFilter, Listing, ReplayRequest, Setback};
use ledgerfleet_model::{ConnectionState, Environment, FailureKind, RunState};

use ledgerfleet_testkit::wait::{PATIENCE, until};

use crate::world::{World, options};

async fn all_dead_letters(world: &World) -> Vec<ledgerfleet_ledger::DeadLetter> {
    world
        .parts
        .ledger
        .dead_letters(&DeadLetterFilter::default(), &Listing::newest(1_000))
        .await
        .unwrap()
}

/// Copies ten days while every fourth request meets `fault`: six attempts of one segment that all meet it are too rare to be
/// met here.
async fn copy_despite(fault: FaultKind) -> (World, ledgerfleet_ledger::RunReport) {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec {
        every: Some(4),
        ..FaultSpec::always(fault)
    });
    let run = world.submit(&["invoice"], 10, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(
        report.state,
        RunState::Done,
        "{:?}",
        all_dead_letters(&world).await
    );
    world.assert_truth(&["invoice"], 10).await;
    (world, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_errors_are_survived() {
    copy_despite(FaultKind::Fault {
        status: 500,
        code: 10_000,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_whose_end_cannot_be_written_is_asked_again_much_later() {
    let world = World::new().await;
    world
        .sql(
            "CREATE TRIGGER no_burials BEFORE UPDATE OF state ON fleet_segments WHEN NEW.state = 'dead'
             BEGIN SELECT RAISE(ABORT, 'no burials'); END",
        )
        .await;
    world.emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 403,
        code: 5020,
    }));
    let run = world.submit(&["invoice"], 3, 1_000).await;
    let runner = world.runner();
    while world.emulator.summary().requests < 3 {
        tokio::task::yield_now().await;
    }
    let settled = world.until(run, |report| (report.pending, report.running) == (3, 0));
    settled.await;
    runner.stop().await;
    let first = world.parts.ledger.next_due().await.unwrap();
    let lease = world.parts.timings.lease;
    assert!(
        first.unwrap() > lease * 10,
        "due again in {first:?}, a lease is {lease:?}"
    );
    assert_eq!(world.emulator.summary().requests, 3, "each was asked once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_with_status_200_is_not_read_as_no_rows() {
    copy_despite(FaultKind::Fault {
        status: 200,
        code: 10_000,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_html_page_with_status_200_is_not_read_as_no_rows() {
    copy_despite(FaultKind::Html { status: 200 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_body_is_not_read_as_no_rows() {
    copy_despite(FaultKind::Empty { status: 200 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_answers_are_fetched_again() {
    copy_despite(FaultKind::Truncate {
        keep_percent: 60,
        length: CutLength::Cut,
    })
    .await;
    copy_despite(FaultKind::Truncate {
        keep_percent: 60,
        length: CutLength::Full,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_and_broken_compression_are_survived() {
    copy_despite(FaultKind::Drop {
        moment: DropMoment::After,
    })
    .await;
    copy_despite(FaultKind::BadGzip {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_before_its_time_is_renewed_and_the_page_asked_for_again() {
    let (world, _) = copy_despite(FaultKind::Expired {}).await;
    let seen = world.emulator.summary();
    assert!(seen.company("acme").unwrap().tokens.refreshes > 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_is_waiting_and_not_failing() {
    let world = World::new().await;
    world.trust_pages_of(&["invoice"]).await;
    let throttle = FaultKind::Throttle {
        status: Some(403),
        body: Some(ThrottleBody::Xml),
        retry_after: Some(1),
    };
    world.emulator.set_fault(FaultSpec {
        nth: Some(4),
        ..FaultSpec::always(throttle)
    });
    let run = world.submit(&["invoice"], 10, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["invoice"], 10).await;
    let requests = world.emulator.summary().requests;
    assert_eq!(
        requests, 11,
        "one request was throttled, and nothing else was asked twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sixth_failure_makes_a_dead_letter_and_a_replay_brings_its_rows() {
    let world = World::new().await;
    let fault = FaultKind::Fault {
        status: 500,
        code: 10_000,
    };
    world.emulator.set_fault(FaultSpec {
        entity: Some("invoice".into()),
        ..FaultSpec::always(fault)
    });
    let run = world.submit(&["invoice", "customer"], 2, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead, report.done), (RunState::Dead, 2, 1));
    let dead = all_dead_letters(&world).await;
    assert!(
        dead.iter()
            .all(|letter| letter.reason == FailureKind::UpstreamError && letter.attempts == 6)
    );
    let history = world.parts.ledger.attempts(dead[0].id).await.unwrap();
    assert_eq!(history.len(), 6);
    assert!(
        history
            .iter()
            .all(|attempt| attempt.status == Some(500) && attempt.transaction_id.is_some())
    );
    assert!(history.iter().all(|attempt| {
        attempt.pages == Some(0) && attempt.worked_seconds.is_some() && attempt.gate_seconds.is_some()
    }));

    world.emulator.clear_faults();
    let replayed = world
        .parts
        .ledger
        .replay(&ReplayRequest::default())
        .await
        .unwrap();
    assert_eq!((replayed.segments, replayed.runs), (2, 1));
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead, report.done), (RunState::Done, 0, 3));
    world.assert_truth(&["invoice", "customer"], 2).await;
    assert_eq!(
        world.parts.ledger.attempts(dead[0].id).await.unwrap().len(),
        6,
        "history is kept"
    );
}

/// Waits until the company's brake has been closed by so many failures; answers how many there were.
async fn until_failures(world: &World, failures: u32) -> u32 {
    let company = BrakeScope::Connection(world.connections[0].id);
    until_failures_of(world, &company, failures).await
}

fn app_keys() -> BrakeScope {
    BrakeScope::AppKeys {
        connector: "quickbooks".to_owned(),
        environment: Environment::Sandbox,
    }
}

async fn until_failures_of(world: &World, scope: &BrakeScope, failures: u32) -> u32 {
    loop {
        let brakes = world.parts.ledger.brakes().await.unwrap();
        let closed = brakes
            .iter()
            .find(|brake| brake.scope == *scope && brake.is_closed());
        if let Some(brake) = closed.filter(|brake| brake.failures >= failures) {
            return brake.failures;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_upstream_is_away_it_is_hardly_asked_nothing_is_dead_and_no_company_is_parked() {
    let fault = |status, code| FaultKind::Fault { status, code };
    for (outage, entity, days) in [
        (FaultKind::Html { status: 503 }, "invoice", 10),
        (fault(500, 3_100), "invoice", 2),
        (fault(400, 500), "invoice", 10),
        (FaultKind::Empty { status: 502 }, "customer", 1),
    ] {
        let world = World::new().await;
        world.emulator.set_fault(FaultSpec::always(outage.clone()));
        let run = world.submit(&[entity], days, 1_000).await;
        let runner = world.runner();
        // Each is one request: more than six of a segment.
        let failures = until_failures(&world, 8).await;
        let requests = world.emulator.summary().requests;
        assert!(
            requests <= u64::from(failures) + 3,
            "{outage:?}: {requests} after {failures}"
        );
        let report = world.parts.ledger.run(run).await.unwrap().unwrap();
        assert_eq!((report.dead, report.blocked), (0, 0), "{outage:?}: {report:?}");
        world.emulator.clear_faults();
        let report = world.until(run, |report| report.state.is_over()).await;
        runner.stop().await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0), "{outage:?}");
        assert!(
            world.parts.ledger.brakes().await.unwrap().is_empty(),
            "{outage:?}"
        );
        world.assert_truth(&[entity], days).await;
    }
}

/// Two companies, of which the keys of the app are refused from now on.
async fn with_refused_keys() -> World {
    let options = EmulatorOptions {
        companies: vec![
            CompanySpec::new("ash", Size::Small),
            CompanySpec::new("birch", Size::Small),
        ],
        ..options()
    };
    let world = World::with(options, Some(1_000.0)).await;
    world.emulator.set_fault(FaultSpec {
        on: Some(Surface::Token),
        ..FaultSpec::always(FaultKind::Empty { status: 401 })
    });
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_keys_of_the_app_are_no_fault_of_a_company_and_work_goes_on_by_itself_once_they_are_right() {
    let world = with_refused_keys().await;
    let run = world.submit(&["invoice"], 5, 1_000).await;
    let runner = world.runner();
    // It is probed, and refused again.
    until_failures_of(&world, &app_keys(), 3).await;
    let brakes = world.parts.ledger.brakes().await.unwrap();
    assert_eq!(brakes.len(), 1, "one cause: {brakes:?}");
    assert_eq!(brakes[0].reason, FailureKind::WrongAppKeys);
    assert_eq!(brakes[0].scope, app_keys());
    for connection in world.parts.ledger.connections().await.unwrap() {
        assert_eq!(connection.state, ConnectionState::Active);
    }
    let report = world.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!((report.dead, report.blocked), (0, 0), "{report:?}");

    world.emulator.clear_faults();
    let report = world.until(run, |report| report.state.is_over()).await;
    runner.stop().await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    assert!(world.parts.ledger.brakes().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_that_is_still_good_does_not_prove_the_keys_of_the_app() {
    let world = World::new().await;
    let first = world.submit(&["customer"], 1, 1_000).await;
    assert_eq!(world.run_to_the_end(first).await.state, RunState::Done);
    let refused_elsewhere = Setback {
        scope: app_keys(),
        witness: "another process".to_owned(),
        reason: FailureKind::WrongAppKeys,
        message: "invalid_client",
        limit: 1,
        pause: Duration::ZERO,
        longest: Duration::ZERO,
    };
    world.parts.ledger.note_trouble(&refused_elsewhere).await.unwrap();
    world.emulator.set_fault(FaultSpec {
        on: Some(Surface::Token),
        ..FaultSpec::always(FaultKind::Empty { status: 401 })
    });
    let run = world.submit(&["invoice"], 2, 1_000).await;
    let runner = world.runner();
    until_failures_of(&world, &app_keys(), 3).await;
    let report = world.parts.ledger.run(run).await.unwrap().unwrap();
    runner.stop().await;
    assert_eq!((report.pages, report.done), (0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_fails_for_three_companies_is_not_asked_for_the_fourth() {
    let companies = ["ash", "birch", "cedar", "durian"];
    let options = EmulatorOptions {
        companies: companies.map(|name| CompanySpec::new(name, Size::Small)).into(),
        ..options()
    };
    let world = World::with(options, Some(1_000.0)).await;
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::Html { status: 503 }));
    let closed = async |wanted: &str| {
        let brakes = world.parts.ledger.brakes().await.unwrap();
        let closed = brakes.iter().filter(|brake| brake.is_closed());
        closed.filter(|brake| brake.scope.kind() == wanted).count()
    };
    let of = |many| world.connections[..many].to_vec();
    let first = world.submit_for(&of(3), &["invoice"], 4, 1_000).await;
    let runner = world.runner();
    until("the brake of the upstream is closed", PATIENCE, async || {
        closed("upstream").await == 1
    })
    .await;
    let fourth = world.connections[3..].to_vec();
    let second = world.submit_for(&fourth, &["invoice"], 4, 1_000).await;
    let waits = async || {
        let report = world.parts.ledger.run(second).await.unwrap().unwrap();
        (report.dead, report.pending)
    };
    let next_probe = async || world.emulator.summary().requests;
    let before = next_probe().await;
    until("the upstream was tried again", PATIENCE, async || {
        next_probe().await >= before + 2
    })
    .await;
    assert_eq!(waits().await.0, 0);
    assert!(closed("connection").await <= 4);

    world.emulator.clear_faults();
    for run in [first, second] {
        let report = world.until(run, |report| report.state.is_over()).await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0));
    }
    runner.stop().await;
    assert!(world.parts.ledger.brakes().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_a_day_that_the_upstream_asks_for_is_waiting() {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec::always(FaultKind::Throttle {
        status: Some(429),
        body: None,
        retry_after: Some(86_400),
    }));
    let run = world.submit(&["invoice"], 3, 1_000).await;
    let runner = world.runner();
    let hour = std::time::Duration::from_hours(1);
    let mut next = None;
    while next.is_none_or(|next| next < hour) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        next = world.parts.ledger.next_due().await.unwrap();
        let report = world.parts.ledger.run(run).await.unwrap().unwrap();
        assert_eq!(report.dead, 0, "{report:?}");
    }
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_that_the_plan_does_not_include_is_done_with_a_note() {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 5030,
    }));
    let run = world.submit(&["invoice"], 3, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.done, report.empty), (RunState::Done, 3, 3));
    let coverage = world
        .parts
        .ledger
        .coverage(&ledgerfleet_ledger::CoverageFilter::default())
        .await
        .unwrap();
    assert!(coverage.len() == 3 && coverage.iter().all(|row| row.note.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_wrong_is_dead_at_once() {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let run = world.submit(&["invoice"], 2, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 2));
    assert!(
        all_dead_letters(&world)
            .await
            .iter()
            .all(|letter| letter.attempts == 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_must_be_connected_again_waits_and_the_others_go_on() {
    let companies = vec![
        CompanySpec::new("gone", Size::Small),
        CompanySpec::new("here", Size::Small),
    ];
    let world = World::with(
        EmulatorOptions {
            companies,
            ..options()
        },
        Some(1_000.0),
    )
    .await;
    world.emulator.set_fault(FaultSpec {
        company: Some("gone".into()),
        ..FaultSpec::always(FaultKind::InvalidGrant {})
    });
    let run = world.submit(&["invoice"], 5, 1_000).await;
    let runner = world.runner();
    let report = world
        .until(run, |report| report.done == 5 && report.blocked == 5)
        .await;
    runner.stop().await;
    assert_eq!(
        (report.dead, report.pending),
        (0, 5),
        "nothing of it is lost or blamed"
    );
    let connections = world.parts.ledger.connections().await.unwrap();
    let state = |name| {
        connections
            .iter()
            .find(|connection| connection.name == name)
            .unwrap()
            .state
    };
    assert_eq!(state("gone"), ConnectionState::NeedsReauthorisation);
    assert_eq!(state("here"), ConnectionState::Active);
}
