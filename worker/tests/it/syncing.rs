//! Companies stay in sync: what the source has is what is stored, tombstones included, whatever way was taken. Judged by
//! the emulator's own truth.

mod doubts;
mod failing;
mod month;
mod schedule;

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
use ledgerfleet_model::{Connection, Lane, RunId, RunState, SyncPace};
use ledgerfleet_planning::sync::{Scope, Subject, next_due, plan_sync, submit_sync};
use ledgerfleet_testkit::wait::until;
use sqlx::{Connection as _, PgConnection};

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
async fn submitted(world: &World, connection: &Connection, scope: Scope) -> Option<RunId> {
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
async fn checkpoints_of_an_upstream_whose_clock_was_ahead_hide_no_change() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    change_all(&world);
    world
        .sql("UPDATE fleet_sync_states SET checkpoint = strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', '+1 hour')")
        .await;
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    for state in states(&world).await {
        let checkpoint = state.checkpoint.unwrap_or_default();
        assert!(checkpoint <= world.parts.clock.now(), "{state:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upkeep_that_joins_another_is_due_until_it_is_submitted() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let connection = &world.connections[0];
    let noted = async || world.parts.ledger.sync_schedules(&[connection.id]).await.unwrap()[0].clone();
    let only = |recount: u64, reread: u64| SyncPace {
        recount_every: Duration::from_hours(recount),
        reread_every: Duration::from_hours(reread),
        reread_days: 366,
        ..SyncPace::default()
    };
    let before = noted().await;
    upkeep_due(&world, connection, only(24, 0)).await;
    let recounting = noted().await;
    assert!(recounting.recounted_at > before.recounted_at, "a recount waits");
    let joined = upkeep_due(&world, connection, only(0, 24)).await;
    assert!(joined.is_some());
    assert_eq!(noted().await.reread_at, before.reread_at, "it was not submitted");
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

    for run in due_once_a_week(&world, connection).await {
        let report = world.run_to_the_end(run).await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    }
    assert_eq!(tombstones(&world, "time_activity", &deleted).await, 2);
    assert_in_sync(&world, connection).await;
}

async fn until_over(world: &World, runs: &[RunId], day: u32) {
    for run in runs {
        let report = world.until(*run, |report| report.state.is_over()).await;
        assert_eq!(report.dead, 0, "day {day}: {report:?}");
    }
}

/// Submits what is due once a week, as if a week had passed; answers its runs.
async fn due_once_a_week(world: &World, connection: &Connection) -> Vec<RunId> {
    // The books end in June.
    let pace = SyncPace {
        reread_days: 366,
        ..SyncPace::default()
    };
    let (sync, upkeep) = due_in_a_week(world, connection, &pace).await;
    sync.into_iter().chain(upkeep).collect()
}

/// Submits what is due in a week; answers the run of what nothing announces.
async fn upkeep_due(world: &World, connection: &Connection, pace: SyncPace) -> Option<RunId> {
    due_in_a_week(world, connection, &pace).await.1
}

/// Submits what is due in a week at a pace; answers the runs of the sync and of its upkeep.
async fn due_in_a_week(
    world: &World,
    connection: &Connection,
    pace: &SyncPace,
) -> (Option<RunId>, Option<RunId>) {
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
    let later = world.parts.clock.now() + TimeDelta::days(8);
    let plan = plan_sync(ledger, &subject, pace, later).await.unwrap();
    let upkeep = plan.upkeep.as_ref().map(|(run, _)| run.id);
    let sync = submit_sync(ledger, bell, connection.id, plan, later)
        .await
        .unwrap();
    (sync.map(|submitted| submitted.run), upkeep)
}
