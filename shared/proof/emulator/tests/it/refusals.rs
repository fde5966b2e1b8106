//! Words that a reader depends on, and the day on which upstream takes one of them back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::client::{Client, answer};

/// One day's invoices and everything else of it by the properties that still sort.
const ONE_DAY: &str = "SELECT * FROM Invoice WHERE TxnDate >= '2026-06-01' AND TxnDate <= '2026-06-12'";

#[tokio::test]
async fn every_word_that_can_be_taken_back_is_a_400_with_its_code_and_reason() {
    let client = Client::start().await;
    for (switch, statement, code, detail) in [
        (
            "order_by_id",
            "SELECT * FROM Invoice ORDERBY TxnDate, Id",
            "4001",
            "property 'Id' is not sortable",
        ),
        (
            "order_by_id",
            "SELECT * FROM TaxCode ORDERBY Id DESC",
            "4001",
            "property 'Id' is not sortable",
        ),
        (
            "order",
            "SELECT * FROM Invoice ORDERBY MetaData.CreateTime",
            "4001",
            "cannot be ordered",
        ),
        (
            "count",
            "SELECT count(*) FROM Invoice",
            "4000",
            "Encountered \"count\"",
        ),
        (
            "active_in",
            "SELECT * FROM Customer WHERE Active IN (true, false)",
            "4001",
            "Property Active cannot be compared with IN",
        ),
        (
            "id_in",
            "SELECT * FROM Invoice WHERE Id IN ('1', '2')",
            "4001",
            "Property Id cannot be compared with IN",
        ),
        ("minor_version", "SELECT * FROM Term", "2010", "minorversion"),
    ] {
        assert_eq!(client.query(statement).await.status, 200, "{statement}");
        client.switch(switch, "refused").await;
        let refused = client.query(statement).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, code),
            "{switch}"
        );
        let body = refused.json();
        assert_eq!(body["Fault"]["type"], "ValidationFault");
        let said = body["Fault"]["Error"][0]["Detail"].as_str().expect("a detail");
        assert!(said.contains(detail), "{said}");
        let back = if switch == "order_by_id" {
            "sorted"
        } else if switch == "count" {
            "answered"
        } else {
            "accepted"
        };
        client.switch(switch, back).await;
        assert_eq!(client.query(statement).await.status, 200, "{statement}");
    }
}

#[tokio::test]
async fn a_minor_version_is_refused_at_every_door_and_only_where_it_is_named() {
    let client = Client::start().await;
    client.switch("minor_version", "refused").await;
    for path in [
        "invoice/7",
        "companyinfo/1",
        "cdc?entities=Invoice&changedSince=2026-07-10",
    ] {
        let with = if path.contains('?') { '&' } else { '?' };
        assert_eq!(answer(client.get(path)).await.status, 200, "{path}");
        let refused = answer(client.get(&format!("{path}{with}minorversion=75"))).await;
        assert_eq!(refused.code(), "2010", "{path}");
    }
}

#[tokio::test]
async fn other_comparisons_are_answered_where_lists_are_refused() {
    let client = Client::start().await;
    let all = client.count("Customer WHERE Active IN (true, false)").await;
    client.switch("active_in", "refused").await;
    client.switch("id_in", "refused").await;
    let active = client.count("Customer WHERE Active = true").await;
    let inactive = client.count("Customer WHERE Active = false").await;
    assert_eq!(active + inactive, all);
    assert_eq!(client.ids("SELECT * FROM Invoice WHERE Id = '7'").await, ["7"]);
}

#[tokio::test]
async fn a_count_can_be_wrong_for_good() {
    let client = Client::start().await;
    let counted = client.count("Invoice").await;
    client.switch("count", "wrong").await;
    assert_eq!(client.count("Invoice").await, counted + 1);
    assert_eq!(
        client.hashes("invoice").len() as u64,
        counted,
        "the truth counts on"
    );
}

/// All rows of a statement in pages of 40, with how often each came.
async fn paged(client: &Client, statement: &str) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    for start in (1..).step_by(40) {
        let page = client
            .ids(&format!("{statement} STARTPOSITION {start} MAXRESULTS 40"))
            .await;
        let last = page.len() < 40;
        for id in page {
            *seen.entry(id).or_insert(0) += 1;
        }
        if last {
            return seen;
        }
    }
    seen
}

#[tokio::test]
async fn without_an_id_to_sort_by_ties_lie_otherwise_in_every_answer_page_or_for_good() {
    let client = Client::start().await;
    let all: BTreeSet<String> = client
        .ids(&format!("{ONE_DAY} MAXRESULTS 1000"))
        .await
        .into_iter()
        .collect();
    assert!(all.len() > 80, "{}", all.len());
    for position in ["ignored", "refused"] {
        client.switch("order_by_id", position).await;
        let by_date = format!("{ONE_DAY} ORDERBY TxnDate");
        for (ties, is_whole, is_repeatable) in [
            ("by_answer", false, false),
            ("by_page", false, true),
            ("settled", true, true),
        ] {
            client.switch("order_ties", ties).await;
            let seen = paged(&client, &by_date).await;
            let every = seen.len() == all.len() && seen.values().all(|times| *times == 1);
            assert_eq!(every, is_whole, "{position} {ties}");
            let page = format!("{by_date} MAXRESULTS 1000");
            let (first, second) = (client.ids(&page).await, client.ids(&page).await);
            assert_eq!(first == second, is_repeatable, "{position} {ties}");
            assert_eq!(first.iter().cloned().collect::<BTreeSet<_>>(), all);
            let mut by_id = first.clone();
            by_id.sort_by_key(|id| id.parse::<u64>().expect("a number"));
            assert_ne!(first, by_id, "no order hides behind the one asked for");
        }
    }
}

#[tokio::test]
async fn what_still_sorts_is_sorted_whatever_becomes_of_ids() {
    let client = Client::start().await;
    client.switch("order_by_id", "ignored").await;
    for (property, read) in [
        ("TxnDate", &["TxnDate"][..]),
        ("MetaData.CreateTime", &["MetaData", "CreateTime"]),
        ("MetaData.LastUpdatedTime", &["MetaData", "LastUpdatedTime"]),
    ] {
        let rows = client
            .rows(&format!("{ONE_DAY} ORDERBY {property}, Id DESC MAXRESULTS 1000"))
            .await;
        let values: Vec<String> = rows
            .iter()
            .map(|row| read.iter().fold(row, |row, key| &row[*key]).to_string())
            .collect();
        assert!(values.is_sorted(), "{property}");
    }
}

#[tokio::test]
async fn the_same_seed_and_the_same_requests_lie_the_same_way() {
    let mut orders = Vec::new();
    for _ in 0..2 {
        let client = Client::start().await;
        client.switch("order_by_id", "refused").await;
        let page = format!("{ONE_DAY} ORDERBY TxnDate MAXRESULTS 1000");
        orders.push([client.ids(&page).await, client.ids(&page).await]);
    }
    assert_eq!(orders[0], orders[1]);
}

#[tokio::test]
async fn a_tax_code_whose_id_is_a_word_is_in_the_list_and_cannot_be_read_by_it() {
    let client = Client::start().await;
    assert_eq!(
        answer(client.get("taxcode/TAX")).await.json()["TaxCode"]["Id"],
        json!("TAX")
    );
    client.switch("word_ids", "refused").await;
    let refused = answer(client.get("taxcode/TAX")).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "2030"));
    assert_eq!(answer(client.get("taxcode/3")).await.status, 200);
    let listed = client.ids("SELECT * FROM TaxCode").await;
    assert!(listed.contains(&"TAX".to_owned()) && listed.contains(&"NON".to_owned()));
}
