//! Companies stay in sync: what the source has is what is stored, tombstones included, whatever way was taken. Judged by
//! the emulator's own truth.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures::TryStreamExt;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_emulator::{
    CdcCap, CompanySpec, EmulatorOptions, FaultKind, FaultSpec, Mutation, MutationKind, Pick, Size, Switches,
    TruthFilter,
};
use ledgerfleet_ledger::{Brake, BrakeScope, RecordStub, RunReport, SyncState};
use ledgerfleet_model::{Connection, FailureKind, Lane, RunState, SyncPace};
use ledgerfleet_planning::sync::{Scope, Subject, next_due, plan_sync, submit_sync};
use ledgerfleet_testkit::wait::until;
use sqlx::{Connection as _, PgConnection};

use crate::fleet::Fleet;
use crate::world::{LAST_DAY, Runner, World, options};

const COMPANY: &str = "acme";

/// Of each way one: documents and lists whose changes are told, and such whose are not.
const ENTITIES: [&str; 7] = [
    "bill",
    "customer",
    "invoice",
    "item",
    "payment",
    "tax_code",
    "time_activity",
];

/// Plans and submits the sync of a company; none where there is nothing to ask.
async fn submitted(world: &World, connection: &Connection, scope: Scope) -> Option<ledgerfleet_model::RunId> {
    let company = world.parts.company(connection.clone().into()).unwrap();
    let entities = ENTITIES.map(str::to_owned);
    let subject = Subject {
        connection,
        entry: company.entry,
        changes: company.connector.changes(),
        entities: &entities,
        scope,
        lane: Lane::Live,
    };
    let (ledger, bell, pace) = (&*world.parts.ledger, &*world.parts.bell, SyncPace::default());
    let now = world.parts.clock.now();
    let plan = plan_sync(ledger, &subject, &pace, now).await.unwrap();
    let due_at = next_due(connection.id, pace.every, now);
    let submitted = submit_sync(ledger, bell, connection.id, plan, due_at)
        .await
        .unwrap();
    submitted.map(|submitted| submitted.run)
}

/// Syncs a company to the end.
async fn sync(world: &World, scope: Scope) -> RunReport {
    let run = submitted(world, &world.connections[0], scope).await.unwrap();
    world.run_to_the_end(run).await
}

/// The same, and it must go well.
async fn synced(world: &World, scope: Scope) -> RunReport {
    let report = sync(world, scope).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    report
}

fn mutate(world: &World, entity: &str, kind: MutationKind, count: u32) -> Vec<String> {
    let mutation = Mutation {
        count,
        to: (kind == MutationKind::Redate).then_some(LAST_DAY),
        ..Mutation::new(COMPANY, entity, kind)
    };
    world.emulator.mutate(mutation).unwrap()
}

/// Some of everything that can happen to books.
fn change_all(world: &World) {
    for entity in ["bill", "invoice", "payment"] {
        for kind in [
            MutationKind::Create,
            MutationKind::Update,
            MutationKind::Void,
            MutationKind::Delete,
            MutationKind::Redate,
        ] {
            if kind == MutationKind::Void && entity == "bill" {
                continue;
            }
            mutate(world, entity, kind, 3);
        }
    }
    for entity in ["customer", "item"] {
        for kind in [MutationKind::Create, MutationKind::Update, MutationKind::Delete] {
            mutate(world, entity, kind, 2);
        }
    }
    mutate(world, "tax_code", MutationKind::Update, 1);
    mutate(world, "time_activity", MutationKind::Create, 2);
    mutate(world, "time_activity", MutationKind::Update, 2);
}

async fn stubs(world: &World, connection: &Connection, entity: &str) -> Vec<RecordStub> {
    let table = find_entity(connector_entry("quickbooks").unwrap(), entity)
        .unwrap()
        .table;
    let stubs = world.parts.ledger.record_stubs(connection.id, table);
    stubs.try_collect().await.unwrap()
}

/// Fails unless a company's warehouse is the source's truth: each record in its version and to the letter, and of what was
/// deleted at the source a tombstone where it was ever there.
async fn assert_in_sync(world: &World, connection: &Connection) {
    for entity in ENTITIES {
        let stubs = stubs(world, connection, entity).await;
        let told = |stub: &RecordStub| {
            let version = stub.source_version.map(|version| version.to_string());
            (
                stub.id.clone(),
                version.unwrap_or_default(),
                stub.payload_hash.clone(),
            )
        };
        let alive: BTreeSet<_> = stubs.iter().filter(|stub| !stub.deleted).map(told).collect();
        let lines = |deleted| {
            let filter = TruthFilter {
                deleted,
                ..TruthFilter::default()
            };
            world.emulator.truth(&connection.name, entity, &filter).unwrap()
        };
        let truth: BTreeSet<_> = lines(None)
            .into_iter()
            .map(|line| (line.id, line.version, line.hash))
            .collect();
        let missing: Vec<_> = truth.difference(&alive).take(3).collect();
        let ghosts: Vec<_> = alive.difference(&truth).take(3).collect();
        assert!(
            missing.is_empty() && ghosts.is_empty(),
            "{} {entity}: missing or old {missing:?}, ghosts or old {ghosts:?}",
            connection.name
        );
        let gone: BTreeSet<_> = lines(Some(1)).into_iter().map(|line| line.id).collect();
        let buried: BTreeSet<_> = stubs
            .iter()
            .filter(|stub| stub.deleted)
            .map(|stub| stub.id.clone())
            .collect();
        assert!(buried.is_subset(&gone), "{entity}: tombstones of what lives");
    }
}

async fn states(world: &World) -> Vec<SyncState> {
    let id = world.connections[0].id;
    world.parts.ledger.sync_states(&[id]).await.unwrap()
}

async fn state(world: &World, entity: &str) -> SyncState {
    let states = states(world).await;
    states.into_iter().find(|state| state.entity == entity).unwrap()
}

/// Which of these ids are stored as tombstones.
async fn tombstones(world: &World, entity: &str, ids: &[String]) -> usize {
    let stubs = stubs(world, &world.connections[0], entity).await;
    let is_one = |stub: &&RecordStub| stub.deleted && ids.contains(&stub.id);
    stubs.iter().filter(is_one).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_takes_everything_and_the_next_one_what_has_changed_by_one_call() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    let before = state(&world, "invoice").await.checkpoint.unwrap();

    let idle = synced(&world, Scope::Due).await;
    assert_eq!(
        (idle.segments, idle.calls, idle.rows),
        (1, 1, 0),
        "an idle company costs one call"
    );
    assert!(state(&world, "invoice").await.checkpoint.unwrap() > before);

    change_all(&world);
    let deleted = mutate(&world, "invoice", MutationKind::Delete, 4);
    // Never seen alive here.
    let born = mutate(&world, "invoice", MutationKind::Create, 1);
    let ids = Mutation {
        ids: born.clone(),
        ..Mutation::new(COMPANY, "invoice", MutationKind::Delete)
    };
    world.emulator.mutate(ids).unwrap();
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    assert_eq!(tombstones(&world, "invoice", &deleted).await, 4);
    assert_eq!(
        tombstones(&world, "invoice", &born).await,
        1,
        "never seen, and gone"
    );
}

/// Has rows created and changed at every request, and some deleted: the books never hold still.
fn keep_busy(world: &World) {
    for kind in [MutationKind::Create, MutationKind::Update] {
        let often = Mutation {
            every: Some(1),
            ..Mutation::new(COMPANY, "invoice", kind)
        };
        world.emulator.mutate(often).unwrap();
    }
    let sometimes = Mutation {
        every: Some(3),
        ..Mutation::new(COMPANY, "invoice", MutationKind::Delete)
    };
    world.emulator.mutate(sometimes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_that_never_hold_still_are_read_to_their_end_and_caught_up_with() {
    let medium = EmulatorOptions {
        companies: vec![CompanySpec::new(COMPANY, Size::Medium)],
        ..options()
    };
    let world = World::with(medium, Some(1_000.0)).await;
    keep_busy(&world);
    // Pages of 1,000: a first reading of several.
    synced(&world, Scope::Changed).await;
    let before = state(&world, "invoice").await.checkpoint.unwrap();
    // Longer than the upstream remembers: a window of changes that is open at its end, and a count after it.
    world.emulator.clock().step(Duration::from_hours(31 * 24));
    synced(&world, Scope::Changed).await;
    assert!(state(&world, "invoice").await.checkpoint.unwrap() > before);

    world.emulator.stop_mutations();
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_at_its_cap_is_completed_by_windows_and_a_count_whatever_the_cap_counts() {
    for cap in [CdcCap::PerResponse, CdcCap::PerEntity] {
        let world = World::with(
            EmulatorOptions {
                switches: Switches {
                    cdc_cap: cap,
                    ..Switches::default()
                },
                ..options()
            },
            Some(1_000.0),
        )
        .await;
        synced(&world, Scope::Changed).await;
        change_all(&world);
        mutate(&world, "invoice", MutationKind::Create, 1_200);
        // Stubs come last, and are cut first. Of what was never stored there is no trace.
        let old = Mutation {
            count: 30,
            pick: Pick::First,
            ..Mutation::new(COMPANY, "invoice", MutationKind::Delete)
        };
        let deleted = world.emulator.mutate(old).unwrap();
        let report = synced(&world, Scope::Changed).await;
        assert_in_sync(&world, &world.connections[0]).await;
        assert_eq!(tombstones(&world, "invoice", &deleted).await, 30, "{cap:?}");
        assert!(
            report.segments <= 5,
            "only invoices need more than the answer: {report:?}"
        );
        let idle = synced(&world, Scope::Changed).await;
        assert!(idle.dead == 0);
        assert_in_sync(&world, &world.connections[0]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_slept_for_longer_than_the_upstream_remembers_misses_nothing() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    change_all(&world);
    let deleted = mutate(&world, "bill", MutationKind::Delete, 5);
    world.emulator.clock().step(Duration::from_hours(31 * 24));
    change_all(&world);
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    assert_eq!(tombstones(&world, "bill", &deleted).await, 5);
    let told = states(&world).await;
    assert!(
        told.iter().all(|state| state.untold_at.is_none()),
        "the instant was refused, and no entity"
    );
    let idle = synced(&world, Scope::Due).await;
    assert_eq!((idle.segments, idle.calls), (1, 1), "changes are told again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_that_fails_holds_back_no_other_and_begins_again_from_nothing() {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec {
        entity: Some("bill".to_owned()),
        ..FaultSpec::always(FaultKind::Fault {
            status: 400,
            code: 4_000,
        })
    });
    let report = sync(&world, Scope::Changed).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 1), "{report:?}");
    let bill = state(&world, "bill").await;
    assert!(bill.checkpoint.is_none() && bill.succeeded_at.is_none() && bill.failures > 0);
    assert!(bill.cause.is_some() && bill.message.is_some());
    for entity in ENTITIES.into_iter().filter(|entity| *entity != "bill") {
        let state = state(&world, entity).await;
        assert!(state.checkpoint.is_some() && state.failures == 0, "{state:?}");
    }
    world.emulator.clear_faults();
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    let bill = state(&world, "bill").await;
    assert_eq!((bill.failures, bill.cause), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_that_waits_holds_back_no_changes_of_the_others() {
    let world = World::new().await;
    // As if the upstream no longer took the question: nobody is to blame, and the entity waits.
    world.emulator.set_fault(FaultSpec {
        entity: Some("bill".to_owned()),
        ..FaultSpec::always(FaultKind::Fault {
            status: 400,
            code: 4_001,
        })
    });
    let connection = &world.connections[0];
    let waits = submitted(&world, connection, Scope::Due).await.unwrap();
    let runner = world.runner();
    let is_only_one_left = |report: &RunReport| report.done == report.segments - 1;
    world.until(waits, is_only_one_left).await;

    let born = mutate(&world, "invoice", MutationKind::Create, 3);
    let ledger = &world.parts.ledger;
    let past = chrono::DateTime::UNIX_EPOCH;
    ledger.schedule_sync(connection.id, None, past).await.unwrap();
    let due = ledger.due_syncs(SyncPace::default().every, 10).await.unwrap();
    assert_eq!(due.len(), 1, "it is due although a run is not over");
    let next = submitted(&world, connection, Scope::Due).await.unwrap();
    assert_ne!(next, waits);
    let report = world.until(next, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    runner.stop().await;
    let stored = world.stored(connection, "invoice").await;
    assert!(born.iter().all(|id| stored.contains_key(id)));
    let report = ledger.run(waits).await.unwrap().unwrap();
    assert_eq!((report.state, report.dead), (RunState::Active, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_a_table_refuses_hold_back_no_other_company() {
    let mut fleet = Fleet::with(books(), Some(1_000.0), Vec::new()).await;
    fleet.start_workers(1);
    for connection in &fleet.world.connections {
        let run = submitted(&fleet.world, connection, Scope::Changed).await.unwrap();
        until_over(&fleet.world, &[run], 0).await;
    }
    let mut session = PgConnection::connect(&fleet.postgres.url("postgres"))
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no writes' USING ERRCODE = '42501'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON raw.qbo_invoice FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .execute(&mut session)
    .await
    .unwrap();
    mutate(&fleet.world, "invoice", MutationKind::Create, 1);
    let [acme, birch, _] = &fleet.world.connections[..] else {
        panic!("three companies");
    };
    submitted(&fleet.world, acme, Scope::Changed).await.unwrap();
    until("the table has refused", Duration::from_secs(45), async || {
        let ended = "SELECT count(*) FROM fleet.attempts a JOIN fleet.segments s ON s.id = a.segment_id
            WHERE s.kind = 'changes'";
        let ended: i64 = sqlx::query_scalar(ended).fetch_one(&mut session).await.unwrap();
        ended > 0
    })
    .await;
    session.close().await.unwrap();
    let brakes = fleet.world.parts.ledger.brakes().await.unwrap();
    let is_on_a_table = |brake: &Brake| matches!(brake.scope, BrakeScope::Table(_));
    assert!(!brakes.iter().any(is_on_a_table), "{brakes:?}");
    let run = submitted(&fleet.world, birch, Scope::Changed).await.unwrap();
    until_over(&fleet.world, &[run], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_announces_is_found_by_a_count_and_by_reading_the_recent_past_again() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let connection = &world.connections[0];
    // Links change without a new time; what is deleted beyond the upstream's memory is never told.
    mutate(&world, "payment", MutationKind::Link, 3);
    let deleted = mutate(&world, "time_activity", MutationKind::Delete, 2);
    synced(&world, Scope::Changed).await;
    assert_eq!(
        tombstones(&world, "time_activity", &deleted).await,
        0,
        "nothing tells that"
    );

    let company = world.parts.company(connection.clone().into()).unwrap();
    let entities = ENTITIES.map(str::to_owned);
    let subject = Subject {
        connection,
        entry: company.entry,
        changes: company.connector.changes(),
        entities: &entities,
        scope: Scope::Due,
        lane: Lane::Live,
    };
    let (ledger, bell) = (&*world.parts.ledger, &*world.parts.bell);
    // The books end in June; a week later by the schedule.
    let pace = SyncPace {
        reread_days: 366,
        ..SyncPace::default()
    };
    let later = world.parts.clock.now() + TimeDelta::days(7);
    let plan = plan_sync(ledger, &subject, &pace, later).await.unwrap();
    assert!(plan.planned.recount && plan.planned.reread);
    let upkeep = plan.upkeep.as_ref().unwrap().0.id;
    submit_sync(ledger, bell, connection.id, plan, later)
        .await
        .unwrap();
    let report = world.run_to_the_end(upkeep).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    assert_eq!(tombstones(&world, "time_activity", &deleted).await, 2);
    assert_in_sync(&world, connection).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_whose_consent_is_withdrawn_in_a_sync_goes_on_from_its_checkpoint() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let before = state(&world, "invoice").await.checkpoint;
    change_all(&world);
    world.emulator.disconnect(COMPANY).unwrap();
    let run = submitted(&world, &world.connections[0], Scope::Changed)
        .await
        .unwrap();
    let runner = world.runner();
    let parked = async || {
        let connection = world
            .parts
            .ledger
            .connection(world.connections[0].id)
            .await
            .unwrap();
        connection.unwrap().state == ledgerfleet_model::ConnectionState::NeedsReauthorisation
    };
    while !parked().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    runner.stop().await;
    assert_eq!(
        state(&world, "invoice").await.checkpoint,
        before,
        "nothing was read"
    );
    let report = world.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!(report.state, RunState::Active, "it waits for a person");
    assert!(report.dead == 0, "{:?}", FailureKind::NeedsReauthorisation);
}

/// Three companies live through a month: every day something happens to their books, on some days nobody syncs, workers die
/// in the middle of a sync, and in the end what nothing announces is looked after.
const MONTH: [&str; 3] = ["acme", "birch", "cedar"];

fn books() -> EmulatorOptions {
    EmulatorOptions {
        companies: MONTH.map(|name| CompanySpec::new(name, Size::Small)).into(),
        ..options()
    }
}

/// A day passes; answers the syncs that were asked for at its end.
async fn pass_day(world: &World, day: u32) -> Vec<ledgerfleet_model::RunId> {
    world.emulator.clock().step(Duration::from_hours(24));
    for (number, name) in (0_u32..).zip(MONTH) {
        live(world, name, day + 7 * number);
    }
    let mut runs = Vec::new();
    for (number, connection) in (0_u32..).zip(&world.connections) {
        if !(day + number).is_multiple_of(4) || day == 29 {
            runs.extend(submitted(world, connection, Scope::Changed).await);
        }
    }
    runs
}

async fn until_over(world: &World, runs: &[ledgerfleet_model::RunId], day: u32) {
    for run in runs {
        let report = world.until(*run, |report| report.state.is_over()).await;
        assert_eq!(report.dead, 0, "day {day}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_companies_of_one_process_are_in_sync_after_a_month() {
    let world = World::with(books(), Some(1_000.0)).await;
    let mut runner = world.runner();
    for day in 0..30 {
        let runs = pass_day(&world, day).await;
        if day % 5 == 3 {
            // In the middle of whatever it does.
            drop(runner);
            runner = world.runner();
        }
        until_over(&world, &runs, day).await;
    }
    for connection in &world.connections {
        look_after(&world, connection).await;
    }
    runner.stop().await;
    for connection in &world.connections {
        assert_in_sync(&world, connection).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_companies_of_a_fleet_are_in_sync_after_a_month() {
    let mut fleet = Fleet::with(books(), Some(1_000.0), Vec::new()).await;
    fleet.start_workers(2);
    for day in 0..30 {
        let runs = pass_day(&fleet.world, day).await;
        if day % 9 == 3 {
            let last = fleet.workers.len() - 1;
            fleet.signal(last, "-KILL");
            fleet.start_workers(1);
        }
        if day == 14 {
            fleet.redis.command("FLUSHALL");
        }
        until_over(&fleet.world, &runs, day).await;
    }
    for connection in &fleet.world.connections {
        look_after(&fleet.world, connection).await;
    }
    for connection in &fleet.world.connections {
        assert_in_sync(&fleet.world, connection).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_syncs_what_is_due_and_gives_who_was_late_its_own_place_again() {
    let world = World::with(
        EmulatorOptions {
            companies: ["acme", "birch"]
                .map(|name| CompanySpec::new(name, Size::Small))
                .into(),
            ..options()
        },
        Some(1_000.0),
    )
    .await;
    let (ledger, now) = (&world.parts.ledger, world.parts.clock.now());
    let [due, late] = [&world.connections[0], &world.connections[1]].map(|connection| connection.id);
    let ago = |seconds| now - TimeDelta::seconds(seconds);
    ledger.schedule_sync(due, None, ago(1)).await.unwrap();
    // As after an outage of two hours.
    ledger.schedule_sync(late, None, ago(7_200)).await.unwrap();
    let parts = world.parts.clone().keeping_in_sync(SyncPace::default());
    let runner = Runner::start(&parts, 8);
    let is_synced = async || {
        let states = ledger.sync_states(&[due]).await.unwrap();
        let synced = states.iter().filter(|state| state.succeeded_at.is_some());
        states.len() > 20 && synced.count() == states.len()
    };
    while !is_synced().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runner.stop().await;
    assert!(
        ledger.sync_states(&[late]).await.unwrap().is_empty(),
        "not at once"
    );
    for schedule in ledger.sync_schedules(&[]).await.unwrap() {
        let ahead = (schedule.due_at - now).num_seconds();
        assert!((0..330).contains(&ahead), "{schedule:?}");
    }
    let lanes: Vec<Lane> = ledger
        .runs(10)
        .await
        .unwrap()
        .iter()
        .map(|run| run.lane)
        .collect();
    assert_eq!(lanes, [Lane::Live], "one run");
}

/// A day of a company.
fn live(world: &World, company: &str, day: u32) {
    let happens = |entity: &str, kind, count| {
        let mutation = Mutation {
            count,
            to: (kind == MutationKind::Redate).then_some(LAST_DAY),
            ..Mutation::new(company, entity, kind)
        };
        world.emulator.mutate(mutation).unwrap();
    };
    happens("invoice", MutationKind::Create, 1 + day % 4);
    happens("payment", MutationKind::Create, 1);
    match day % 6 {
        0 => happens("invoice", MutationKind::Delete, 2),
        1 => happens("payment", MutationKind::Void, 1),
        2 => happens("customer", MutationKind::Delete, 1),
        3 => happens("payment", MutationKind::Link, 1),
        4 => happens("bill", MutationKind::Redate, 1),
        _ => happens("time_activity", MutationKind::Delete, 1),
    }
    happens("bill", MutationKind::Update, 1);
    happens("item", MutationKind::Update, 1);
    happens("time_activity", MutationKind::Create, 1);
    if day.is_multiple_of(9) {
        happens("tax_code", MutationKind::Update, 1);
    }
}

/// Does what is due once a week.
async fn look_after(world: &World, connection: &Connection) {
    let company = world.parts.company(connection.clone().into()).unwrap();
    let entities = ENTITIES.map(str::to_owned);
    let subject = Subject {
        connection,
        entry: company.entry,
        changes: company.connector.changes(),
        entities: &entities,
        scope: Scope::Due,
        lane: Lane::Live,
    };
    let (ledger, bell) = (&*world.parts.ledger, &*world.parts.bell);
    let pace = SyncPace {
        reread_days: 366,
        ..SyncPace::default()
    };
    let later = world.parts.clock.now() + TimeDelta::days(8);
    let plan = plan_sync(ledger, &subject, &pace, later).await.unwrap();
    let upkeep = plan.upkeep.as_ref().unwrap().0.id;
    let sync = submit_sync(ledger, bell, connection.id, plan, later)
        .await
        .unwrap();
    for run in sync.map(|submitted| submitted.run).into_iter().chain([upkeep]) {
        let report = world.until(run, |report| report.state.is_over()).await;
        assert_eq!(report.dead, 0, "{report:?}");
    }
}
