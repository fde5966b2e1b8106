use std::collections::BTreeSet;

use ledgerfleet_emulator::{Axis, CompanySpec, EmulatorOptions, Size, TruthFilter, TruthLine};
use serde_json::{Value, json};

use crate::client::{Client, options};

/// An amount's exact cents, read from the text that came over the wire.
pub(crate) fn cents(value: &Value) -> i64 {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    assert!(fraction.len() <= 2, "{text}");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let part = |digits: &str| digits.parse::<i64>().expect("digits");
    part(whole) * 100 + sign * part(&format!("{fraction:0<2}"))
}

#[tokio::test]
async fn the_same_seed_writes_the_same_books_on_any_day() {
    let today = Client::start().await;
    let tomorrow = Client::with(EmulatorOptions {
        clock: ledgerfleet_emulator::Clock::running(),
        ..options()
    })
    .await;
    let other = Client::with(EmulatorOptions { seed: 2, ..options() }).await;
    assert_eq!(
        today.emulator.info().companies[0].realm,
        tomorrow.emulator.info().companies[0].realm
    );
    assert_eq!(
        today.emulator.info().client_id,
        tomorrow.emulator.info().client_id
    );
    for (entity, api) in crate::ledger::ENTITIES {
        assert_eq!(today.hashes(entity), tomorrow.hashes(entity));
        let drawn = !crate::ledger::SINGLE.contains(api) && !today.hashes(entity).is_empty();
        assert!(!drawn || today.hashes(entity) != other.hashes(entity), "{entity}");
    }
}

#[tokio::test]
async fn every_invoices_lines_add_up_and_refer_to_what_is_there() {
    let mut client = Client::start().await;
    for company in [0, 1] {
        client.turn_to(company).await;
        let ids = |lines: Vec<TruthLine>| {
            lines
                .into_iter()
                .map(|line| line.id)
                .collect::<BTreeSet<String>>()
        };
        let customers = ids(client.truth("customer", &TruthFilter::default()));
        let items = ids(client.truth("item", &TruthFilter::default()));
        for invoice in client.rows("SELECT * FROM Invoice MAXRESULTS 1000").await {
            check_sums(&invoice);
            assert!(
                customers.contains(invoice["CustomerRef"]["value"].as_str().unwrap()),
                "{invoice}"
            );
            let lines = invoice["Line"].as_array().unwrap();
            let refs = lines
                .iter()
                .filter_map(|line| line["SalesItemLineDetail"]["ItemRef"]["value"].as_str());
            assert!(refs.into_iter().all(|item| items.contains(item)), "{invoice}");
            let currency = if company == 0 { "USD" } else { "CAD" };
            assert_eq!(invoice["CurrencyRef"]["value"], json!(currency));
        }
    }
}

fn check_sums(invoice: &Value) {
    let lines = invoice["Line"].as_array().expect("a line");
    let of = |kind: &str| {
        lines
            .iter()
            .filter(|line| line["DetailType"] == kind)
            .map(|line| cents(&line["Amount"]))
            .sum::<i64>()
    };
    let (sales, subtotal, discount) = (
        of("SalesItemLineDetail"),
        of("SubTotalLineDetail"),
        of("DiscountLineDetail"),
    );
    assert_eq!(sales, subtotal, "{invoice}");
    let tax_lines = invoice["TxnTaxDetail"]["TaxLine"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let tax: i64 = tax_lines.iter().map(|line| cents(&line["Amount"])).sum();
    if let Some(total_tax) = invoice["TxnTaxDetail"].get("TotalTax") {
        assert_eq!(cents(total_tax), tax, "{invoice}");
    }
    assert_eq!(
        cents(&invoice["TotalAmt"]),
        subtotal - discount + tax,
        "{invoice}"
    );
    let subtotal_line = lines
        .iter()
        .find(|line| line["DetailType"] == "SubTotalLineDetail")
        .expect("a line");
    assert_eq!(subtotal_line.get("Id"), None);
}

#[tokio::test]
async fn journal_entries_balance_and_their_first_line_is_zero() {
    let client = Client::start().await;
    let entries = client.rows("SELECT * FROM JournalEntry MAXRESULTS 1000").await;
    assert!(entries.len() > 40);
    for entry in entries {
        let lines = entry["Line"].as_array().unwrap();
        let side = |side: &str| {
            let of_side = lines
                .iter()
                .filter(|line| line["JournalEntryLineDetail"]["PostingType"] == side);
            of_side.map(|line| cents(&line["Amount"])).sum::<i64>()
        };
        assert_eq!(side("Debit"), side("Credit"), "{entry}");
        assert!(side("Debit") > 0);
        assert_eq!(lines[0]["Id"], json!("0"));
        assert_eq!(entry.get("TotalAmt"), None);
    }
}

#[tokio::test]
async fn names_come_in_many_scripts_and_jobs_have_parents() {
    let mut client = Client::start().await;
    let mut text = String::new();
    for company in [0, 1] {
        client.turn_to(company).await;
        let customers = client
            .rows("SELECT * FROM Customer WHERE Active IN (true, false) MAXRESULTS 1000")
            .await;
        let names: BTreeSet<&str> = customers
            .iter()
            .map(|row| row["FullyQualifiedName"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), customers.len(), "names are unique");
        let jobs: Vec<&Value> = customers.iter().filter(|row| row["Job"] == json!(true)).collect();
        assert!(!jobs.is_empty());
        for job in jobs {
            let parent = customers
                .iter()
                .find(|row| row["Id"] == job["ParentRef"]["value"])
                .unwrap();
            assert_eq!(parent["Job"], json!(false));
        }
        text.extend(names);
    }
    let in_range = |from: char, to: char| text.chars().any(|c| (from..=to).contains(&c));
    assert!(in_range('\u{4e00}', '\u{9fff}'), "Han");
    assert!(in_range('\u{0590}', '\u{06ff}'), "Hebrew or Arabic");
    assert!(in_range('\u{1f300}', '\u{1faff}'), "emoji");
    assert!(text.contains('é') && text.contains('\'') && text.contains('"') && text.contains('\\'));
}

#[tokio::test]
async fn the_truth_is_filtered_on_three_axes_and_refuses_what_makes_no_sense() {
    let client = Client::start().await;
    let lines = |body: &str| {
        body.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<TruthLine>>()
    };
    let whole = client.look("truth/demo-us/invoice").await;
    assert_eq!(whole.headers["content-type"], "application/x-ndjson");
    assert_eq!(
        lines(&whole.body),
        client.truth("invoice", &TruthFilter::default())
    );
    let by_realm = client
        .look(&format!("truth/{}/Invoice", client.company.realm))
        .await;
    assert_eq!(by_realm.body, whole.body);

    let created = client
        .look("truth/demo-us/invoice?by=created&from=2026-06-01&to=2026-06-02")
        .await;
    let expected: Vec<TruthLine> = lines(&whole.body)
        .into_iter()
        .filter(|line| ("2026-06-01".."2026-06-03").contains(&line.created_at.as_str()))
        .collect();
    assert_eq!(lines(&created.body), expected);
    assert!(
        expected
            .iter()
            .any(|line| line.date != line.created_at[..10].parse().ok()),
        "some are back-dated"
    );
    assert!(
        lines(&whole.body)
            .iter()
            .any(|line| line.updated_at > line.created_at)
    );

    for (path, status) in [
        ("truth/nobody/invoice", 404),
        ("truth/demo-us/unicorn", 404),
        ("truth/demo-us/customer?by=txn-date&from=2026-01-01", 400),
        ("truth/demo-us/invoice?form=2026-01-01", 400),
        ("truth/demo-us/invoice?by=created&tz=Mars/Olympus", 400),
        ("truth/demo-us/invoice?from=yesterday", 400),
    ] {
        let refused = client.look(path).await;
        assert_eq!(refused.status.as_u16(), status, "{path}");
        assert!(refused.json()["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn a_large_company_is_answered_without_being_written_down() {
    let companies = vec![CompanySpec::new("large", Size::Large)];
    let client = Client::with(EmulatorOptions {
        companies,
        days: 1_800,
        ..options()
    })
    .await;
    assert!(client.count("Invoice").await > 15_000_000);
    let window = "Invoice WHERE TxnDate = '2026-06-15'";
    let total = client.count(window).await;
    assert!(total > 5_000, "{total}");
    let last = format!(
        "SELECT * FROM {window} ORDERBY TxnDate, Id STARTPOSITION {} MAXRESULTS 100",
        total - 4
    );
    assert_eq!(client.rows(&last).await.len(), 5);
    let filter = TruthFilter {
        by: Some(Axis::TxnDate),
        from: "2026-06-15".parse().ok(),
        to: "2026-06-15".parse().ok(),
        ..TruthFilter::default()
    };
    assert_eq!(client.truth("invoice", &filter).len() as u64, total);
}
