//! Books that change: what is gone becomes a tombstone by its own id's word, late payments arrive, and no record is taken
//! for gone because a list has left it out.

use ledgerfleet_emulator::{
    ContificoKind, ContificoMutation, ContificoSwitches, ErrorBody, NullIds, Pick, Switches, Toggle,
};
use ledgerfleet_model::Segmenting;

use super::shop::{Shop, options};

impl Shop {
    /// Changes so many records of a resource; answers their ids.
    fn change(&self, entity: &str, kind: ContificoKind, count: u32) -> Vec<String> {
        let mutation = ContificoMutation {
            count,
            pick: Pick::Random,
            ..ContificoMutation::new("tienda", entity, kind)
        };
        self.emulator.mutate_contifico(mutation).unwrap()
    }

    async fn tombstones(&self, entity: &str) -> Vec<String> {
        let gone = self.stubs(entity).await.into_iter().filter(|stub| stub.deleted);
        gone.map(|stub| stub.id).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_silently_deleted_becomes_a_tombstone_after_it_was_asked_for_by_its_id() {
    for switches in [
        ContificoSwitches::default(),
        ContificoSwitches {
            error_body: ErrorBody::CodeError,
            ..ContificoSwitches::default()
        },
        ContificoSwitches {
            null_ids: NullIds::Coded,
            error_body: ErrorBody::Detail,
            ..ContificoSwitches::default()
        },
    ] {
        let shop = Shop::with(switches).await;
        let entities = [
            "documents",
            "journal_entries",
            "products",
            "cost_centers",
            "warehouses",
        ];
        shop.copy(&entities, 1_000).await;
        for entity in entities {
            shop.change(entity, ContificoKind::Delete, 2);
        }
        shop.copy(&entities, 1_000).await;
        shop.assert_truth(&entities).await;
        for entity in entities {
            assert_eq!(shop.tombstones(entity).await.len(), 2, "{entity}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_not_taken_for_gone_where_only_something_before_the_api_says_so() {
    let shop = Shop::with(ContificoSwitches {
        error_body: ErrorBody::Html,
        ..ContificoSwitches::default()
    })
    .await;
    shop.copy(&["products"], 1_000).await;
    shop.change("products", ContificoKind::Delete, 1);
    shop.copy(&["products"], 1_000).await;
    assert_eq!(
        shop.tombstones("products").await,
        [""; 0],
        "HTML says it of an address"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_list_leaves_out_and_its_id_still_finds_is_no_deletion_and_is_told() {
    let shop = Shop::with(ContificoSwitches::default()).await;
    shop.copy(&["documents"], 1_000).await;
    let omitting = Switches {
        contifico: ContificoSwitches {
            omitted_documents: Toggle::On,
            ..ContificoSwitches::default()
        },
        ..Switches::default()
    };
    shop.emulator.set_switches(omitting);
    shop.copy(&["documents"], 1_000).await;
    shop.assert_truth(&["documents"]).await;
    let notes: Vec<String> = shop
        .coverage("documents")
        .await
        .into_iter()
        .filter_map(|row| row.note)
        .collect();
    assert!(
        notes.iter().any(|note| note.contains("found by their ids")),
        "{notes:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_payments_authorisations_and_journals_under_new_ids_arrive_when_their_days_are_read_again() {
    let shop = Shop::with(ContificoSwitches::default()).await;
    let entities = [
        "documents",
        "journal_entries",
        "purchases",
        "registry_transactions",
        "sales",
    ];
    shop.copy(&entities, 1_000).await;
    shop.change("documents", ContificoKind::Pay, 5);
    shop.change("documents", ContificoKind::Authorise, 3);
    shop.change("journal_entries", ContificoKind::Reissue, 4);
    shop.copy(&entities, 1_000).await;
    shop.assert_truth(&entities).await;
    assert_eq!(
        shop.tombstones("journal_entries").await.len(),
        4,
        "each stood twice otherwise"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_that_are_dated_ahead_are_there_after_a_backfill_to_today() {
    let shop = Shop::with(ContificoSwitches::default()).await;
    shop.copy(&["journal_entries"], 1_000).await;
    let ahead = shop.coverage("journal_entries").await;
    let ahead: Vec<_> = ahead
        .iter()
        .filter(|row| row.from.is_some_and(|from| from > crate::world::LAST_DAY))
        .collect();
    assert!(ahead.len() == 1 && ahead[0].rows > 0, "{ahead:?}");
    shop.assert_truth(&["journal_entries"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_that_change_while_they_are_read_are_complete_when_they_rest() {
    let shop = Shop::open(options(ContificoSwitches::default())).await;
    let entities = ["persons", "products", "registry_transactions"];
    for (entity, kind) in [
        ("products", ContificoKind::Delete),
        ("products", ContificoKind::Create),
        ("persons", ContificoKind::Create),
        ("registry_transactions", ContificoKind::Delete),
    ] {
        let mutation = ContificoMutation {
            pick: Pick::First,
            every: Some(2),
            times: Some(3),
            ..ContificoMutation::new("tienda", entity, kind)
        };
        shop.emulator.mutate_contifico(mutation).unwrap();
    }
    let run = shop.submit(&entities, Segmenting::Day, 40).await;
    shop.run(run).await;
    shop.emulator.stop_mutations();
    shop.copy(&entities, 1_000).await;
    shop.assert_truth(&entities).await;
}
