//! What goes wrong with a part holds back no more than that part.

use std::time::Duration;

use super::month::books;
use super::*;
use crate::fleet::Fleet;

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
async fn changes_that_a_table_refuses_hold_back_no_other_entity_and_no_other_company() {
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
    mutate(&fleet.world, "invoice", MutationKind::Create, 2);
    mutate(&fleet.world, "customer", MutationKind::Update, 2);
    let taken = mutate(&fleet.world, "bill", MutationKind::Create, 2);
    let [acme, birch, _] = &fleet.world.connections[..] else {
        panic!("three companies");
    };
    let before = state(&fleet.world, "invoice").await;
    let first = submitted(&fleet.world, acme, Scope::Changed).await.unwrap();
    let ledger = &fleet.world.parts.ledger;
    until(
        "only the refused entity is left",
        Duration::from_secs(45),
        async || {
            let left = ledger.syncs_under_way(acme.id).await.unwrap();
            matches!(&left[..], [one] if one.run == first && one.entity == "invoice")
        },
    )
    .await;
    for entity in ["bill", "customer", "payment"] {
        let state = state(&fleet.world, entity).await;
        assert!(state.checkpoint > before.checkpoint, "{state:?}");
    }
    let now = state(&fleet.world, "invoice").await;
    assert_eq!(now.checkpoint, before.checkpoint, "nothing of it is stored");
    let bills = fleet.world.stored(acme, "bill").await;
    assert!(taken.iter().all(|id| bills.contains_key(id)));
    let is_told = async || {
        let brakes = ledger.brakes().await.unwrap();
        let on_it = |brake: &Brake| brake.scope == BrakeScope::Table("qbo_invoice".to_owned());
        brakes.iter().any(|brake| on_it(brake) && brake.is_closed())
    };
    until("the table's brake is closed", Duration::from_secs(45), is_told).await;

    let run = submitted(&fleet.world, birch, Scope::Changed).await.unwrap();
    until_over(&fleet.world, &[run], 1).await;
    sqlx::raw_sql("DROP TRIGGER refuse ON raw.qbo_invoice")
        .execute(&mut session)
        .await
        .unwrap();
    session.close().await.unwrap();
    until_over(&fleet.world, &[first], 2).await;
    assert_in_sync(&fleet.world, acme).await;
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
    assert_eq!(report.dead, 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_may_not_be_asked_for_hold_back_no_others_unless_none_may() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let before = state(&world, "invoice").await.checkpoint;
    let changed = mutate(&world, "invoice", MutationKind::Update, 2);
    let spoilt = mutate(&world, "bill", MutationKind::Touch, 1);
    let mutation = Mutation {
        ids: spoilt.clone(),
        status: Some(403),
        code: Some(5_020),
        ..Mutation::new(COMPANY, "bill", MutationKind::Spoil)
    };
    world.emulator.mutate(mutation).unwrap();
    world.emulator.clock().step(Duration::from_secs(2));
    let report = sync(&world, Scope::Changed).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 1), "{report:?}");
    assert!(state(&world, "bill").await.failures > 0);
    let invoice = state(&world, "invoice").await;
    assert!(
        invoice.checkpoint > before && invoice.failures == 0,
        "{invoice:?}"
    );
    let stored = world.stored(&world.connections[0], "invoice").await;
    assert!(changed.iter().all(|id| stored.contains_key(id)));

    let mutation = Mutation {
        ids: spoilt,
        ..Mutation::new(COMPANY, "bill", MutationKind::Mend)
    };
    world.emulator.mutate(mutation).unwrap();
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
    world.emulator.set_fault(FaultSpec {
        path: Some("/cdc".to_owned()),
        ..FaultSpec::always(FaultKind::Fault {
            status: 403,
            code: 5_020,
        })
    });
    let report = sync(&world, Scope::Changed).await;
    assert_eq!(
        (report.segments - report.done, report.dead),
        (1, 1),
        "one word about the company: {report:?}"
    );
}
