use serde_json::{Value, json};

use crate::integrity::company;
use crate::ledger::{ENTITIES, Ledger, SINGLE, WITH_ACTIVE, links};

#[tokio::test]
async fn every_list_has_inactive_names_and_most_are_marked() {
    for spec in ["small", "small:ca:multicurrency"] {
        let ledger = Ledger::read(&company(spec).await).await;
        for api in WITH_ACTIVE.iter().filter(|api| **api != "JournalCode") {
            if *api == "CompanyCurrency" && spec == "small" {
                continue;
            }
            let inactive: Vec<&Value> = ledger
                .rows(api)
                .filter(|row| row["Active"] == json!(false))
                .collect();
            assert!(!inactive.is_empty(), "{spec} {api}");
            for row in inactive {
                let name = row.get("DisplayName").or_else(|| row.get("Name"));
                let marked = name
                    .and_then(Value::as_str)
                    .expect("a name")
                    .ends_with(" (deleted)");
                assert_eq!(marked, *api != "CompanyCurrency", "{row}");
            }
        }
    }
}

#[tokio::test]
async fn documents_are_voided_from_the_start() {
    let ledger = Ledger::read(&company("small").await).await;
    for api in [
        "SalesReceipt",
        "Payment",
        "CreditMemo",
        "RefundReceipt",
        "Purchase",
        "Transfer",
    ] {
        let voided: Vec<&Value> = ledger
            .rows(api)
            .filter(|row| {
                row["PrivateNote"]
                    .as_str()
                    .is_some_and(|note| note.starts_with("Voided"))
            })
            .collect();
        assert!(!voided.is_empty(), "{api}");
        for row in voided {
            let total = row
                .get("TotalAmt")
                .or_else(|| row.get("Amount"))
                .expect("a total");
            assert_eq!(total, &json!(0), "{row}");
            assert!(links(row).is_empty());
        }
    }
}

#[tokio::test]
async fn a_company_with_several_currencies_shows_rates_and_home_amounts() {
    let ledger = Ledger::read(&company("small:multicurrency").await).await;
    let mut foreign = 0;
    for row in ledger.rows("Invoice") {
        if row["CurrencyRef"]["value"] == json!("USD") {
            assert!(row.get("ExchangeRate").is_none(), "{row}");
            assert_eq!(row["HomeTotalAmt"], row["TotalAmt"]);
        } else {
            foreign += 1;
            let rate = row["ExchangeRate"].as_f64().expect("a rate");
            let home = row["TotalAmt"].as_f64().expect("a total") * rate;
            assert!(
                (home - row["HomeTotalAmt"].as_f64().expect("a total")).abs() < 0.006,
                "{row}"
            );
            let customer = ledger.row("Customer", row["CustomerRef"]["value"].as_str().expect("an id"));
            assert_eq!(customer.expect("a customer")["CurrencyRef"], row["CurrencyRef"]);
        }
    }
    assert!(foreign > 50, "{foreign}");
    assert!(ledger.rows("JournalEntry").all(|row| row["TotalAmt"].is_number()));
    let plain = Ledger::read(&company("small").await).await;
    let home = |row: &Value| {
        row.as_object()
            .expect("a row")
            .keys()
            .any(|key| key.starts_with("Home") || key == "ExchangeRate")
    };
    for (_, api) in ENTITIES {
        assert!(!plain.rows(api).any(home), "{api}");
    }
}

#[tokio::test]
async fn a_smaller_plan_lacks_what_it_does_not_pay_for() {
    for (spec, lacking) in [
        ("small", vec!["CompanyCurrency"]),
        (
            "small:essentials",
            vec![
                "CompanyCurrency",
                "PurchaseOrder",
                "Class",
                "Department",
                "Budget",
            ],
        ),
        (
            "small:simple_start:multicurrency",
            vec![
                "PurchaseOrder",
                "Class",
                "Department",
                "Budget",
                "Bill",
                "BillPayment",
                "VendorCredit",
                "TimeActivity",
            ],
        ),
    ] {
        let client = company(spec).await;
        for (_, api) in ENTITIES {
            let statement = format!("SELECT * FROM {api}");
            let answer = client.query(&statement).await;
            if lacking.contains(api) {
                assert_eq!(
                    (answer.status.as_u16(), answer.code().as_str()),
                    (400, "5030"),
                    "{spec} {api}"
                );
            } else if ["ExchangeRate", "InventoryAdjustment", "JournalCode"].contains(api) {
                assert_eq!(answer.status, 400);
            } else {
                assert_eq!(answer.status, 200, "{spec} {api}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn single_records_are_only_paged_and_agencies_in_no_order() {
    let client = company("small").await;
    for api in SINGLE {
        let whole = client.rows(&format!("SELECT * FROM {api}")).await;
        assert_eq!(whole.len(), 1);
        for page in ["MAXRESULTS 100", "STARTPOSITION 1 MAXRESULTS 1000"] {
            assert_eq!(client.rows(&format!("SELECT * FROM {api} {page}")).await, whole);
        }
        assert!(
            client
                .rows(&format!("SELECT * FROM {api} STARTPOSITION 2"))
                .await
                .is_empty()
        );
        for more in ["WHERE Id = '1'", "ORDERBY Id"] {
            assert_eq!(
                client.query(&format!("SELECT * FROM {api} {more}")).await.code(),
                "4001"
            );
        }
        assert_eq!(
            client.query(&format!("SELECT count(*) FROM {api}")).await.code(),
            "4001"
        );
    }
    assert_eq!(
        client.query("SELECT * FROM TaxAgency ORDERBY Id").await.code(),
        "4001"
    );
    assert_eq!(client.count("TaxAgency").await, 3);
    assert_eq!(
        client
            .query("SELECT * FROM CustomerType WHERE Active = true")
            .await
            .code(),
        "4001"
    );
}
