//! Three companies live through a month: every day something happens to their books, on some days nobody syncs, workers die
//! in the middle of a sync, and in the end what nothing announces is looked after.

use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, Mutation, MutationKind, Size};
use ledgerfleet_model::{ConnectionState, RunId};
use ledgerfleet_planning::sync::Scope;
use ledgerfleet_testkit::wait::{PATIENCE, until};
use secrecy::SecretString;

use super::{assert_in_sync, due_once_a_week, submitted, until_over};
use crate::fleet::Fleet;
use crate::world::{LAST_DAY, World, options};

const MONTH: [&str; 3] = ["acme", "birch", "cedar"];

pub(super) fn books() -> EmulatorOptions {
    EmulatorOptions {
        companies: MONTH.map(|name| CompanySpec::new(name, Size::Small)).into(),
        ..options()
    }
}

/// On this day the owner of the first company ends the consent, in the first process's month.
const REVOKED: u32 = 15;
/// And on this one there is another consent.
const AUTHORISED: u32 = 21;

/// Whether a company waits for a person.
async fn waits(world: &World, number: usize) -> bool {
    let id = world.connections[number].id;
    let connection = world.parts.ledger.connection(id).await.unwrap().unwrap();
    connection.state == ConnectionState::NeedsReauthorisation
}

/// A person has consented once more.
async fn connect_again(world: &World) {
    let token = SecretString::from(world.emulator.consent(MONTH[0]).unwrap());
    let (ledger, id) = (&world.parts.ledger, world.connections[0].id);
    let version = ledger.credential(id).await.unwrap().unwrap().version;
    let sealed = world.parts.access.seal_replacement(id, version + 1, &token);
    assert!(ledger.replace_credential(id, version, &sealed).await.unwrap());
    ledger
        .set_connection_state(id, ConnectionState::Active, None)
        .await
        .unwrap();
}

/// A day passes; answers the syncs that were asked for at its end.
async fn pass_day(world: &World, day: u32) -> Vec<RunId> {
    world.emulator.clock().step(Duration::from_hours(24));
    for (number, name) in (0_u32..).zip(MONTH) {
        live(world, name, day + 7 * number);
    }
    let mut runs = Vec::new();
    for (index, connection) in world.connections.iter().enumerate() {
        let number = u32::try_from(index).unwrap();
        if !waits(world, index).await && (!(day + number).is_multiple_of(4) || day == 29) {
            runs.extend(submitted(world, connection, Scope::Changed).await);
        }
    }
    runs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_companies_of_one_process_are_in_sync_after_a_month() {
    let world = World::with(books(), Some(1_000.0)).await;
    let mut runner = world.runner();
    let mut waiting = None;
    for day in 0..30 {
        match day {
            REVOKED => world.emulator.disconnect(MONTH[0]).unwrap(),
            AUTHORISED => connect_again(&world).await,
            _ => {}
        }
        let mut runs = pass_day(&world, day).await;
        match day {
            // What was asked for meets the end of the consent, and waits for a person.
            REVOKED => {
                waiting = Some(runs.remove(0));
                until("it waits", PATIENCE, async || waits(&world, 0).await).await;
            }
            AUTHORISED => runs.extend(waiting.take()),
            _ => {}
        }
        if day % 5 == 3 {
            under_way(&world, &runs).await;
            drop(runner);
            runner = world.runner();
        }
        until_over(&world, &runs, day).await;
    }
    for connection in &world.connections {
        until_over(&world, &due_once_a_week(&world, connection).await, 30).await;
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
            under_way(&fleet.world, &runs).await;
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
        until_over(&fleet.world, &due_once_a_week(&fleet.world, connection).await, 30).await;
    }
    for connection in &fleet.world.connections {
        assert_in_sync(&fleet.world, connection).await;
    }
}

/// Waits until something of each run is stored. Who dies before that may die between a grant and its escrow, and then a
/// person is asked for another consent: a story of its own.
async fn under_way(world: &World, runs: &[RunId]) {
    for run in runs {
        world
            .until(*run, |report| report.done > 0 || report.state.is_over())
            .await;
    }
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
