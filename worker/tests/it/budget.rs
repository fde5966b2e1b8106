//! The calls of a month: what can wait does before their reserve is touched, and goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, Environment, Size};
use ledgerfleet_ledger::{Budget, NewRun, RunReport, Tally};
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::{Lane, RunId, RunState};
use ledgerfleet_planning::submit;

use crate::world::{Runner, World, options};

/// Of these, the half is kept.
const MONTHLY_CALLS: u64 = 40;

async fn world() -> World {
    let production = EmulatorOptions {
        companies: vec![CompanySpec {
            environment: Environment::Production,
            ..CompanySpec::new("acme", Size::Small)
        }],
        ..options()
    };
    let variables = [
        ("LEDGERFLEET_QUICKBOOKS_MONTHLY_CALLS", MONTHLY_CALLS.to_string()),
        ("LEDGERFLEET_QUICKBOOKS_RESERVE", "50 %".to_owned()),
    ];
    World::on(production, Some(1_000.0), variables.to_vec()).await
}

/// Waits until nothing is under way although something is left, and the calls are used up.
async fn until_it_waits(world: &World, run: RunId) -> RunReport {
    loop {
        let waiting = world
            .until(run, |report| report.running == 0 && report.done > 0)
            .await;
        let exhausted = world.parts.budget.exhausted(&world.connections).await.unwrap();
        let again = world.until(run, |_| true).await;
        if !exhausted.is_empty() && again.running == 0 && again.calls == waiting.calls {
            return again;
        }
        tokio::task::yield_now().await;
    }
}

async fn submit_live(world: &World) -> RunId {
    let (run, segments) = world.planned(&["customer"], 1, 1_000);
    let run = NewRun {
        lane: Lane::Live,
        ..run
    };
    let (ledger, bell) = (&*world.parts.ledger, &*world.parts.bell);
    let submitted = submit(ledger, bell, run, &mut segments.into_iter()).await;
    submitted.unwrap().run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_waits_before_the_reserve_is_touched_a_live_run_goes_on_and_the_next_month_resumes() {
    let world = world().await;
    world.trust_pages_of(&["invoice", "customer"]).await;
    let run = world.submit(&["invoice"], 60, 1_000).await;
    let runner = Runner::start(&world.parts, 8);
    let waiting = until_it_waits(&world, run).await;
    let metered = world.emulator.summary().metered;
    assert!(
        metered <= MONTHLY_CALLS / 2,
        "{metered} of {MONTHLY_CALLS} used: {waiting:?}"
    );
    assert!(metered + 10 > MONTHLY_CALLS / 2, "{metered}: it waits too early");
    assert_eq!(
        (waiting.state, waiting.dead),
        (RunState::Active, 0),
        "{waiting:?}"
    );

    let live = submit_live(&world).await;
    let report = world.until(live, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.done), (RunState::Done, 1), "{report:?}");

    // What was used was used in another month.
    world
        .sql("UPDATE fleet_api_calls SET hour = '2020' || substr(hour, 5)")
        .await;
    world.until(run, |report| report.calls > waiting.calls).await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_for_trials_are_not_metered() {
    let variables = vec![("LEDGERFLEET_QUICKBOOKS_MONTHLY_CALLS", "1".to_owned())];
    let world = World::on(options(), Some(1_000.0), variables).await;
    let run = world.submit(&["invoice"], 10, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.done), (RunState::Done, 10), "{report:?}");
}

#[tokio::test]
async fn calls_count_once_also_while_whoever_asked_goes_on() {
    let world = world().await;
    let (ledger, connection) = (world.parts.ledger.clone(), &world.connections[0]);
    let allowance = world.parts.budget.allowance("quickbooks").unwrap();
    let allowances = [("quickbooks".to_owned(), allowance)].into();
    let budget = Arc::new(Budget::new(ledger.clone(), allowances, Duration::ZERO));
    let tally = Tally::new(budget.clone(), Arc::new(connection.clone()));
    let take = async || tally.take(Purpose::Background).await.unwrap();
    for _ in 0..12 {
        take().await.unwrap();
    }
    ledger.count_calls(connection.id, "invoice", 12).await.unwrap();
    tally.counted(12);
    for more in 0..8 {
        assert!(take().await.is_ok(), "after 12 and {more}");
    }
    assert!(take().await.is_err());
}
