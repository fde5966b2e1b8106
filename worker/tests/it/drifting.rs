//! Books that move while they are read: no record is lost, none stays that is gone.

use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, Mutation, MutationKind, Pick, Size};
use ledgerfleet_ledger::RunReport;
use ledgerfleet_model::RunState;

use crate::world::{LAST_DAY, World, options};

const COMPANY: &str = "acme";

/// A company with some hundred invoices a day.
async fn busy() -> World {
    let medium = EmulatorOptions {
        companies: vec![CompanySpec::new(COMPANY, Size::Medium)],
        ..options()
    };
    World::with(medium, Some(1_000.0)).await
}

fn to_an_invoice_of_the_last_day(kind: MutationKind) -> Mutation {
    Mutation {
        day: Some(LAST_DAY),
        ..Mutation::new(COMPANY, "invoice", kind)
    }
}

/// Copies the last day in pages of 20 while `mutations` happen at every third request.
async fn copy_while(world: &World, mutations: impl IntoIterator<Item = Mutation>) -> RunReport {
    for mutation in mutations {
        let happening = Mutation {
            every: Some(3),
            ..mutation
        };
        world.emulator.mutate(happening).unwrap();
    }
    let run = world.submit(&["invoice"], 1, 20).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_on_pages_that_were_read_pulls_nothing_over_an_edge() {
    let world = busy().await;
    let deleted = Mutation {
        pick: Pick::First,
        times: Some(2),
        ..to_an_invoice_of_the_last_day(MutationKind::Delete)
    };
    copy_while(&world, [deleted]).await;
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_goes_and_one_that_comes_do_not_hide_each_other_in_a_count() {
    let world = busy().await;
    let earlier = LAST_DAY - chrono::Days::new(5);
    let comes = Mutation {
        // Its id is lower than all others of the day: it comes in before every edge.
        day: Some(earlier),
        to: Some(LAST_DAY),
        pick: Pick::First,
        times: Some(1),
        ..Mutation::new(COMPANY, "invoice", MutationKind::Redate)
    };
    let goes = Mutation {
        pick: Pick::First,
        times: Some(1),
        ..to_an_invoice_of_the_last_day(MutationKind::Delete)
    };
    copy_while(&world, [goes, comes]).await;
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_added_changed_and_deleted_while_their_day_is_read() {
    let world = busy().await;
    let kinds = [
        MutationKind::Update,
        MutationKind::Delete,
        MutationKind::Create,
        MutationKind::Void,
    ];
    let often = kinds.map(|kind| Mutation {
        times: Some(3),
        ..to_an_invoice_of_the_last_day(kind)
    });
    copy_while(&world, often).await;
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_holds_still_is_read_once() {
    let world = busy().await;
    let run = world.submit(&["customer"], 1, 20).await;
    let report = world.run_to_the_end(run).await;
    // Twenty rows a page, the last of which come again on the next; and two counts.
    let pages = 1 + (report.rows - 20).div_ceil(19);
    assert!((pages..pages + 4).contains(&report.pages), "{report:?}");
    assert_eq!(report.calls, report.pages + 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_whose_rows_share_one_instant_is_read_until_two_passes_agree() {
    let world = busy().await;
    // Much of the last day was entered at the moment the books closed.
    let report = copy_while(&world, []).await;
    world.assert_truth(&["invoice"], 1).await;
    assert!(report.pages >= 2 * report.rows.div_ceil(20), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_when_a_day_is_read_again_becomes_a_tombstone() {
    let world = World::new().await;
    copy(&world, &["invoice"]).await;
    let gone = world
        .emulator
        .mutate(to_an_invoice_of_the_last_day(MutationKind::Delete))
        .unwrap();
    let report = copy(&world, &["invoice"]).await;
    assert_eq!(report.deleted, gone.len() as u64);
    world.assert_truth(&["invoice"], 3).await;
    let stored = world.stored(&world.connections[0], "invoice").await;
    assert!(!stored.contains_key(&gone[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_moved_to_a_day_that_nobody_reads_is_stored_where_it_is_now() {
    let world = World::new().await;
    copy(&world, &["invoice"]).await;
    let earlier = LAST_DAY - chrono::Days::new(30);
    let moved = Mutation {
        to: Some(earlier),
        ..to_an_invoice_of_the_last_day(MutationKind::Redate)
    };
    let moved = world.emulator.mutate(moved).unwrap();
    copy(&world, &["invoice"]).await;
    let connection = &world.connections[0];
    let filter = ledgerfleet_ledger::RecordFilter {
        connection: connection.id,
        table: "qbo_invoice".to_owned(),
        id: Some(moved[0].clone()),
        from: None,
        to: None,
        limit: 1,
    };
    let stored = world.parts.ledger.records(&filter).await.unwrap();
    assert_eq!(
        (stored[0].document_date, stored[0].deleted_at),
        (Some(earlier), None)
    );
}

/// Copies the last three days.
async fn copy(world: &World, entities: &[&str]) -> RunReport {
    let run = world.submit(entities, 3, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    report
}
