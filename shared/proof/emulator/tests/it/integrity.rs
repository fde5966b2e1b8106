use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use ledgerfleet_emulator::{Axis, EmulatorOptions, TruthFilter};
use serde_json::{Value, json};

use crate::books::cents;
use crate::client::{Client, options};
use crate::ledger::{ENTITIES, Ledger, id, links, references, select};

pub(crate) async fn company(spec: &str) -> Client {
    Client::with(EmulatorOptions {
        companies: vec![spec.parse().expect("a company")],
        ..options()
    })
    .await
}

const COMPANIES: &[&str] = &[
    "small",
    "small:ca",
    "small:multicurrency",
    "small:ca:multicurrency",
    "small:essentials",
    "small:ca:simple_start",
];

fn created(row: &Value) -> Option<DateTime<FixedOffset>> {
    let wrapped = row.as_object()?.values().next()?;
    let time = row["MetaData"]["CreateTime"].as_str();
    let time = time.or_else(|| wrapped["MetaData"]["CreateTime"].as_str())?;
    Some(DateTime::parse_from_rfc3339(time).expect("an instant"))
}

#[tokio::test]
async fn every_reference_leads_to_a_record_that_was_there_before() {
    for spec in COMPANIES {
        let ledger = Ledger::read(&company(spec).await).await;
        let home = if spec.contains("ca") { "CAD" } else { "USD" };
        let currencies: BTreeSet<&str> = ledger
            .rows("CompanyCurrency")
            .filter_map(|row| row["Code"].as_str())
            .collect();
        for (_, api) in ENTITIES {
            for row in ledger.rows(api) {
                for (target, id) in references(api, row) {
                    if target == "Currency" {
                        assert!(
                            id == home || currencies.contains(id.as_str()),
                            "{spec} {api}: {row}"
                        );
                        continue;
                    }
                    let found = ledger.row(&target, &id);
                    let found = found.unwrap_or_else(|| panic!("{spec}: no {target} {id}: {row}"));
                    assert!(
                        created(found) <= created(row),
                        "{spec}: {target} {id} came after {row}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn every_link_is_there_at_both_of_its_ends() {
    for spec in COMPANIES {
        let ledger = Ledger::read(&company(spec).await).await;
        let mut kinds = BTreeSet::new();
        for (_, api) in ENTITIES {
            for row in ledger.rows(api) {
                for (target, other) in links(row) {
                    let found = ledger.row(&target, &other);
                    let found = found.unwrap_or_else(|| panic!("{spec}: no {target} {other}: {row}"));
                    let back = ((*api).to_owned(), id(row));
                    assert!(
                        links(found).contains(&back),
                        "{spec}: {found} does not know {row}"
                    );
                    kinds.insert(format!("{api}-{target}"));
                }
            }
        }
        let all = [
            "Estimate-Invoice",
            "Invoice-Payment",
            "Payment-Deposit",
            "SalesReceipt-Deposit",
            "PurchaseOrder-Bill",
            "Bill-BillPayment",
            "Purchase-ReimburseCharge",
        ];
        let missing = |link: &&&str| match *spec {
            "small:essentials" => link.contains("PurchaseOrder"),
            "small:ca:simple_start" => link.contains("Bill"),
            _ => false,
        };
        for link in all.iter().filter(|link| !missing(link)) {
            assert!(kinds.contains(*link), "{spec}: no {link}");
        }
    }
}

/// The sum of the lines, of which the subtotal counts everything a second time and a discount goes off.
fn lines(row: &Value) -> i64 {
    let lines = row["Line"].as_array().expect("lines");
    lines
        .iter()
        .map(|line| match line["DetailType"].as_str() {
            Some("SubTotalLineDetail") => 0,
            Some("DiscountLineDetail") => -cents(&line["Amount"]),
            _ => cents(&line["Amount"]),
        })
        .sum()
}

#[tokio::test]
async fn all_amounts_add_up_to_the_cent() {
    for spec in COMPANIES {
        let client = company(spec).await;
        let ledger = Ledger::read(&client).await;
        for api in [
            "Invoice",
            "Estimate",
            "SalesReceipt",
            "CreditMemo",
            "RefundReceipt",
        ] {
            for row in ledger.rows(api) {
                let tax = row["TxnTaxDetail"].get("TotalTax").map_or(0, cents);
                assert_eq!(cents(&row["TotalAmt"]), lines(row) + tax, "{row}");
            }
        }
        for api in ["Bill", "Purchase", "PurchaseOrder", "VendorCredit", "BillPayment"] {
            for row in ledger.rows(api) {
                assert_eq!(cents(&row["TotalAmt"]), lines(row), "{row}");
            }
        }
        for row in ledger.rows("Payment") {
            assert_eq!(
                cents(&row["TotalAmt"]),
                lines(row) + cents(&row["UnappliedAmt"]),
                "{row}"
            );
        }
        for row in ledger.rows("Deposit") {
            let back = row["CashBack"].get("Amount").map_or(0, cents);
            assert_eq!(cents(&row["TotalAmt"]), lines(row) - back, "{row}");
        }
    }
}

#[tokio::test]
async fn what_is_paid_is_no_longer_owed_and_what_is_deposited_was_paid() {
    for spec in ["small", "small:ca"] {
        let ledger = Ledger::read(&company(spec).await).await;
        for (document, payment) in [("Invoice", "Payment"), ("Bill", "BillPayment")] {
            let mut open = BTreeSet::new();
            for row in ledger.rows(document) {
                let paid: i64 = links(row)
                    .iter()
                    .filter(|(kind, _)| kind == payment)
                    .map(|(kind, id)| cents(&ledger.row(kind, id).expect("a payment")["Line"][0]["Amount"]))
                    .sum();
                assert_eq!(cents(&row["Balance"]), cents(&row["TotalAmt"]) - paid, "{row}");
                open.insert((paid > 0, cents(&row["Balance"]) > 0));
            }
            assert_eq!(open.len(), 3, "paid, unpaid and paid in part: {open:?}");
        }
        for row in ledger.rows("Deposit") {
            for line in row["Line"].as_array().expect("lines") {
                for (kind, id) in links(line) {
                    let source = ledger.row(&kind, &id).expect("a source");
                    assert_eq!(cents(&line["Amount"]), cents(&source["TotalAmt"]));
                    assert_eq!(source["DepositToAccountRef"]["value"], json!("4"), "{source}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_payments_link_to_its_deposit_shows_in_neither_version_nor_time() {
    let ledger = Ledger::read(&company("small").await).await;
    let updated = |row: &Value| {
        let time = row["MetaData"]["LastUpdatedTime"].as_str().expect("a time");
        DateTime::parse_from_rfc3339(time).expect("an instant")
    };
    let mut stale = 0;
    for payment in ledger.rows("Payment") {
        for (kind, id) in links(payment).iter().filter(|(kind, _)| kind == "Deposit") {
            let deposit = ledger.row(kind, id).expect("a deposit");
            stale += u32::from(Some(updated(payment)) < created(deposit));
        }
    }
    assert!(stale > 20, "{stale}");
}

#[tokio::test]
async fn the_truth_knows_every_entity_as_it_is_served() {
    for spec in ["small:multicurrency", "small:ca:simple_start"] {
        let client = company(spec).await;
        client
            .control("faults", r#"{"switches":{"optional_entities":"served"}}"#)
            .await;
        for (entity, api) in ENTITIES {
            let truth = client.truth(entity, &TruthFilter::default());
            let served = client.query(&select(api)).await;
            if served.status == 400 {
                assert_eq!(served.code(), "5030", "{spec} {api}");
                assert!(truth.is_empty());
                continue;
            }
            let hashes: BTreeSet<(String, String)> = truth
                .iter()
                .map(|line| (line.id.clone(), line.hash.clone()))
                .collect();
            let rows = client.every_row(api).await;
            let read: BTreeSet<(String, String)> = rows
                .iter()
                .map(|text| {
                    let row: Value = serde_json::from_str(text).expect("a record");
                    (
                        id(&row),
                        blake3::hash(without_address(text).as_bytes())
                            .to_hex()
                            .to_string(),
                    )
                })
                .collect();
            assert!(!rows.is_empty(), "{spec} {api}");
            assert_eq!(hashes, read, "{spec} {api}");
            let amounts: BTreeMap<String, Value> = rows
                .iter()
                .map(|text| {
                    let row: Value = serde_json::from_str(text).expect("a record");
                    let amount = row.get("TotalAmt").or_else(|| row.get("Amount"));
                    (id(&row), amount.cloned().unwrap_or_default())
                })
                .collect();
            for line in truth.iter().filter(|line| !amounts[&line.id].is_null()) {
                let total = line.total.as_deref().unwrap_or("0.00").replace('.', "");
                if *api != "RecurringTransaction" {
                    assert_eq!(
                        total.parse::<i64>().expect("cents"),
                        cents(&amounts[&line.id]),
                        "{api}"
                    );
                }
            }
        }
    }
}

/// The record's text without the members that differ at every answer.
fn without_address(text: &str) -> String {
    let mut text = text.to_owned();
    for member in [r#","TempDownloadUri":""#, r#","ThumbnailTempDownloadUri":""#] {
        if let Some((head, tail)) = text.split_once(member) {
            let (_, tail) = tail.split_once('"').expect("the end of an address");
            text = format!("{head}{tail}");
        }
    }
    text
}

#[tokio::test]
async fn the_documents_of_every_day_are_counted_and_found_by_all_three_dates() {
    let client = company("small").await;
    for (entity, api) in ENTITIES {
        let lines = client.truth(entity, &TruthFilter::default());
        if lines.iter().all(|line| line.date.is_none()) {
            continue;
        }
        for (by, property) in [
            (Axis::TxnDate, "TxnDate"),
            (Axis::Created, "MetaData.CreateTime"),
            (Axis::Updated, "MetaData.LastUpdatedTime"),
        ] {
            let day = |text: &str| Some(text.parse().expect("a date"));
            let filter = TruthFilter {
                by: Some(by),
                from: day("2026-06-02"),
                to: day("2026-06-09"),
                ..TruthFilter::default()
            };
            let mut truth: Vec<String> = client
                .truth(entity, &filter)
                .into_iter()
                .map(|line| line.id)
                .collect();
            assert!(!truth.is_empty(), "{entity} {property}");
            let (from, to) = match by {
                Axis::TxnDate => ("2026-06-02", "2026-06-10"),
                _ => ("2026-06-02T00:00:00Z", "2026-06-10T00:00:00Z"),
            };
            let window = format!("{api} WHERE {property} >= '{from}' AND {property} < '{to}'");
            assert_eq!(client.count(&window).await, truth.len() as u64, "{window}");
            let select = format!("SELECT * FROM {window} ORDERBY {property}, Id MAXRESULTS 1000");
            let mut found = client.ids(&select).await;
            truth.sort();
            found.sort();
            assert_eq!(found, truth, "{window}");
        }
    }
}
