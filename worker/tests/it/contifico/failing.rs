//! An upstream that fails: smaller pages, other attempts, and keys that are dead.

use ledgerfleet_emulator::{ContificoSwitches, FaultSpec};
use ledgerfleet_model::{ConnectionState, RunState, Segmenting};

use super::shop::Shop;

impl Shop {
    fn fault(&self, spec: &str) {
        self.emulator.set_fault(spec.parse::<FaultSpec>().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_too_much_for_the_source_are_asked_for_with_fewer_rows() {
    for fault in [
        "large_page=60,status=502,shape=html,entity=products",
        "large_page=60,status=500,code=1,entity=products",
        "large_page=60,status=504,code=1,entity=products",
    ] {
        let shop = Shop::with(ContificoSwitches::default()).await;
        shop.fault(fault);
        shop.copy(&["products"], 200).await;
        shop.assert_truth(&["products"]).await;
    }
}

/// A page is so many rows of the list, of which the source then leaves out the last ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_cut_after_the_list_was_sliced_leave_no_hole() {
    let entities = ["documents", "journal_entries", "products"];
    for (rows, page_size) in [(17, 100), (60, 1_000), (9, 10), (20, 40)] {
        let shop = Shop::with(ContificoSwitches::default()).await;
        shop.fault(&format!("short_page={rows}"));
        let run = shop.submit(&entities, Segmenting::Month, page_size).await;
        let report = shop.run(run).await;
        assert_eq!(
            (report.state, report.dead),
            (RunState::Done, 0),
            "{rows} of {page_size} {report:?} {:?}",
            shop.reasons().await
        );
        shop.assert_truth(&entities).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failure_in_many_costs_a_few_requests_and_no_row() {
    let entities = ["documents", "journal_entries", "persons", "products"];
    let calm = Shop::with(ContificoSwitches::default()).await;
    calm.copy(&entities, 1_000).await;
    for fault in ["html=502,percent=3,seed=7", "fault=500,code=1,percent=3,seed=7"] {
        let shop = Shop::with(ContificoSwitches::default()).await;
        shop.fault(fault);
        shop.copy(&entities, 1_000).await;
        shop.assert_truth(&entities).await;
        let (calm, troubled) = (calm.requests(), shop.requests());
        assert!(
            troubled * 10 <= calm * 13,
            "{troubled} requests instead of {calm}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_parks_its_company_and_kills_no_segment() {
    let shop = Shop::with(ContificoSwitches::default()).await;
    shop.emulator.issue_key("tienda").unwrap();
    let run = shop
        .submit(
            &["products", "persons"],
            ledgerfleet_model::Segmenting::Day,
            1_000,
        )
        .await;
    let runner = crate::world::Runner::start(&shop.parts, 1);
    let connection = loop {
        let connection = shop
            .parts
            .ledger
            .connection(shop.connection.id)
            .await
            .unwrap()
            .unwrap();
        if connection.state == ConnectionState::NeedsReauthorisation {
            break connection;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    runner.stop().await;
    let report = shop.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!(
        (report.dead, report.state == RunState::Done),
        (0, false),
        "{report:?}"
    );
    let reason = connection.state_reason.unwrap();
    assert!(reason.contains("no company has this API key"), "{reason}");
    assert!(
        !reason.contains(shop.company.api_key.as_deref().unwrap()),
        "{reason}"
    );
}
