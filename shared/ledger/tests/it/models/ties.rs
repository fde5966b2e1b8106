//! Ties: what the tables and measures add up to is what the source's documents come to, to the cent. Totals are the emulator's
//! own account; the rest is worked out here from its records, in whole cents, by other code than that of the tables.

use std::collections::BTreeMap;

use serde_json::Value;

use super::books::{COMPANIES, records, truth};
use super::database::Database;

/// Documents of sale, and whether they add to revenue or take from it.
const SALES: [(&str, i128); 4] = [
    ("invoice", 1),
    ("sales_receipt", 1),
    ("credit_memo", -1),
    ("refund_receipt", -1),
];

/// A decimal number in units of 10^-8: exact.
fn decimal(value: &Value) -> i128 {
    let text = match value {
        Value::Null => return 0,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (sign, text) = text
        .strip_prefix('-')
        .map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<8}");
    sign * digits.parse::<i128>().unwrap()
}

fn cents(value: &Value) -> i128 {
    decimal(value) / 1_000_000
}

/// An amount of a document in the home currency, in cents: rounded half away from zero.
pub(super) fn at_home(document: &Value, amount: &Value) -> i128 {
    let rate = match &document["ExchangeRate"] {
        Value::Null => 100_000_000,
        rate => decimal(rate),
    };
    let product = cents(amount) * rate;
    let half = if product < 0 { -50_000_000 } else { 50_000_000 };
    (product + half) / 100_000_000
}

pub(super) fn lines(document: &Value) -> impl Iterator<Item = &Value> {
    document["Line"].as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

pub(super) async fn the_totals_of_documents_are_the_emulators_own(database: &Database) {
    const TOTALS: [(&str, &str, &str); 15] = [
        ("invoice", "invoice", "total_amount"),
        ("estimate", "estimate", "total_amount"),
        ("sales_receipt", "sales_receipt", "total_amount"),
        ("refund_receipt", "refund_receipt", "total_amount"),
        ("credit_memo", "credit_memo", "total_amount"),
        ("payment", "payment", "total_amount"),
        ("deposit", "deposit", "total_amount"),
        ("bill", "bill", "total_amount"),
        ("bill_payment", "bill_payment", "total_amount"),
        ("vendor_credit", "vendor_credit", "total_amount"),
        ("purchase", "purchase", "total_amount"),
        ("purchase_order", "purchase_order", "total_amount"),
        ("transfer", "transfer", "amount"),
        ("credit_card_payment", "credit_card_payment_txn", "amount"),
        ("reimburse_charge", "reimburse_charge", "amount"),
    ];
    for company in COMPANIES {
        for (entity, table, amount) in TOTALS {
            let (rows, total) = truth(company, entity).await;
            assert!(rows > 0 && total > 0, "{company} has no {entity}");
            assert_eq!(
                database.cents(company, table, amount, "1 = 1").await,
                total,
                "{company} {table}"
            );
            let of_kind = format!("kind = '{entity}'");
            assert_eq!(
                database
                    .cents(company, "document", "total_amount", &of_kind)
                    .await,
                total,
                "{company} document of {entity}"
            );
        }
        let (_, debits) = truth(company, "journal_entry").await;
        for side in ["Debit", "Credit"] {
            let which = format!("posting_type = '{side}'");
            let sum = database
                .cents(company, "journal_entry_line", "amount", &which)
                .await;
            assert_eq!(sum, debits, "{company} {side}");
        }
    }
}

/// What the lines of documents come to, by the place where their account or item stands.
pub(super) async fn the_lines_of_documents_are_those_of_their_records(database: &Database) {
    for company in COMPANIES {
        for entity in [
            "invoice",
            "estimate",
            "sales_receipt",
            "refund_receipt",
            "credit_memo",
            "payment",
            "deposit",
            "bill",
            "bill_payment",
            "vendor_credit",
            "purchase",
            "purchase_order",
            "journal_entry",
        ] {
            let documents = records(company, entity).await;
            let count: usize = documents.iter().map(|document| lines(document).count()).sum();
            let total: i128 = documents
                .iter()
                .flat_map(lines)
                .map(|line| cents(&line["Amount"]))
                .sum();
            let home: i128 = documents
                .iter()
                .flat_map(|document| lines(document).map(|line| at_home(document, &line["Amount"])))
                .sum();
            let table = format!("{entity}_line");
            assert_eq!(database.count(company, &table).await, count, "{company} {table}");
            assert_eq!(
                database.cents(company, &table, "amount", "1 = 1").await,
                total,
                "{company} {table}"
            );
            let of_kind = format!("kind = '{entity}'");
            let one_list = database
                .cents(company, "document_line", "home_amount", &of_kind)
                .await;
            assert_eq!(one_list, home, "{company} document_line of {entity}");
            let places = database.table(company, &table).await;
            let last = format!("SELECT CAST(max(\"index\") AS text) FROM {places} AS t");
            let longest = documents
                .iter()
                .map(|document| lines(document).count())
                .max()
                .unwrap();
            assert_eq!(
                database.ask(&last).await.unwrap(),
                [(longest - 1).to_string()],
                "{company} {table}"
            );
        }
    }
}

fn net_at_home(document: &Value) -> i128 {
    let total = match &document["HomeTotalAmt"] {
        Value::Null => at_home(document, &document["TotalAmt"]),
        total => cents(total),
    };
    total - at_home(document, &document["TxnTaxDetail"]["TotalTax"])
}

/// Rows of a measure: a key and an amount in cents, as the database says them.
async fn measured(
    database: &Database,
    company: &str,
    measure: &str,
    key: &str,
    amount: &str,
) -> BTreeMap<String, i128> {
    let table = database.table(company, measure).await;
    let cents = match database {
        Database::Postgres(_) => format!("CAST(CAST({amount} * 100 AS bigint) AS text)"),
        Database::Sqlite(..) => format!("CAST(CAST(round({amount} * 100) AS INTEGER) AS TEXT)"),
    };
    let rows = database
        .ask(&format!("SELECT {key} || '=' || {cents} FROM {table} AS t"))
        .await
        .unwrap();
    let split = |row: String| {
        let (key, cents) = row.rsplit_once('=').unwrap();
        (key.to_owned(), cents.parse().unwrap())
    };
    let rows: Vec<(String, i128)> = rows.into_iter().map(split).collect();
    let count = rows.len();
    let map: BTreeMap<String, i128> = rows.into_iter().collect();
    assert_eq!(map.len(), count, "{measure}: a key is there twice");
    map
}

fn without_zeros(map: BTreeMap<String, i128>) -> BTreeMap<String, i128> {
    map.into_iter().filter(|(_, amount)| *amount != 0).collect()
}

pub(super) async fn revenue_by_month_and_by_customer_is_what_documents_come_to_without_tax(
    database: &Database,
) {
    for company in COMPANIES {
        let (mut months, mut customers) = (BTreeMap::new(), BTreeMap::new());
        for (entity, sign) in SALES {
            for document in records(company, entity).await {
                let net = sign * net_at_home(&document);
                let month = format!("{}-01", &text(&document["TxnDate"])[..7]);
                *months.entry(month).or_insert(0) += net;
                *customers
                    .entry(text(&document["CustomerRef"]["value"]))
                    .or_insert(0) += net;
            }
        }
        assert!(months.len() > 1);
        let by_month = measured(
            database,
            company,
            "revenue_by_month",
            "CAST(month AS text)",
            "revenue",
        )
        .await;
        assert_eq!(by_month, months, "{company}");
        let by_customer = measured(database, company, "top_customers", "customer_id", "revenue").await;
        assert_eq!(by_customer, customers, "{company}");
        let top = customers.values().max().unwrap();
        assert_eq!(
            database
                .cents(company, "top_customers", "revenue", "place = 1")
                .await,
            *top,
            "{company}"
        );
    }
}

pub(super) async fn what_is_open_is_what_documents_leave_open(database: &Database) {
    for company in COMPANIES {
        let sides = [
            (
                "receivables_by_age",
                "customer_id",
                "CustomerRef",
                [
                    ("invoice", "Balance", 1),
                    ("credit_memo", "RemainingCredit", -1),
                    ("payment", "UnappliedAmt", -1),
                ]
                .as_slice(),
            ),
            (
                "payables_by_age",
                "vendor_id",
                "VendorRef",
                [("bill", "Balance", 1), ("vendor_credit", "Balance", -1)].as_slice(),
            ),
        ];
        for (measure, party_id, party, parts) in sides {
            let (mut open, mut home, mut owed) = (BTreeMap::new(), 0, 0);
            for (entity, member, sign) in parts {
                for document in records(company, entity).await {
                    let key = format!(
                        "{} {}",
                        text(&document[party]["value"]),
                        text(&document["CurrencyRef"]["value"])
                    );
                    *open.entry(key).or_insert(0) += sign * cents(&document[member]);
                    home += sign
                        * match &document["HomeBalance"] {
                            Value::Number(balance) if *sign == 1 => cents(&Value::Number(balance.clone())),
                            _ => at_home(&document, &document[member]),
                        };
                    owed += if *sign == 1 { cents(&document[member]) } else { 0 };
                }
            }
            let key = format!("{party_id} || ' ' || currency_id");
            let measured_open = measured(database, company, measure, &key, "open_amount").await;
            assert_eq!(
                without_zeros(measured_open),
                without_zeros(open),
                "{company} {measure}"
            );
            assert_eq!(
                database.cents(company, measure, "open_at_home", "1 = 1").await,
                home,
                "{company} {measure}"
            );
            let ages = "not_due + days_1_to_30 + days_31_to_60 + days_61_to_90 + days_over_90";
            assert_eq!(
                database.cents(company, measure, ages, "1 = 1").await,
                owed,
                "{company} {measure}"
            );
        }
    }
}

pub(super) async fn sales_by_item_are_the_lines_that_sell(database: &Database) {
    for company in COMPANIES {
        let (mut amounts, mut quantities) = (BTreeMap::new(), BTreeMap::new());
        for (entity, sign) in SALES {
            for document in records(company, entity).await {
                for line in lines(&document) {
                    let detail = &line["SalesItemLineDetail"];
                    if !detail.is_null() {
                        let item = text(&detail["ItemRef"]["value"]);
                        *amounts.entry(item.clone()).or_insert(0) +=
                            sign * at_home(&document, &line["Amount"]);
                        *quantities.entry(item).or_insert(0) += sign * cents(&detail["Qty"]);
                    }
                }
            }
        }
        let by_item = measured(database, company, "sales_by_item", "item_id", "amount_at_home").await;
        assert_eq!(by_item, amounts, "{company}");
        let pieces = measured(database, company, "sales_by_item", "item_id", "quantity").await;
        assert_eq!(pieces, quantities, "{company}");
    }
}

pub(super) async fn tax_collected_is_the_tax_lines_of_sales(database: &Database) {
    for company in COMPANIES {
        let (mut taxes, mut taxable) = (BTreeMap::new(), 0);
        for (entity, sign) in SALES {
            for document in records(company, entity).await {
                for line in document["TxnTaxDetail"]["TaxLine"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let rate = text(&line["TaxLineDetail"]["TaxRateRef"]["value"]);
                    let key = format!("{}-01 {rate}", &text(&document["TxnDate"])[..7]);
                    *taxes.entry(key).or_insert(0) += sign * at_home(&document, &line["Amount"]);
                    taxable += sign * at_home(&document, &line["TaxLineDetail"]["NetAmountTaxable"]);
                }
            }
        }
        let key = "CAST(month AS text) || ' ' || tax_rate_id";
        let collected = measured(database, company, "tax_collected", key, "tax").await;
        assert_eq!(collected, taxes, "{company}");
        assert_eq!(
            database.cents(company, "tax_collected", "taxable", "1 = 1").await,
            taxable,
            "{company}"
        );
    }
}

/// A document of sale comes to its lines of items and bundles, less its discounts, with its tax: by the columns alone.
pub(super) async fn a_document_comes_to_the_lines_that_its_columns_say_count(database: &Database) {
    for company in COMPANIES {
        for kind in SALES.iter().map(|(kind, _)| *kind).chain(["estimate"]) {
            let lines = database.table(company, &format!("{kind}_line")).await;
            let documents = database.table(company, kind).await;
            let id = kind
                .strip_suffix("_receipt")
                .filter(|kind| *kind == "refund")
                .unwrap_or(kind);
            let differing = format!(
                "SELECT d.id FROM {documents} AS d JOIN (
                     SELECT {id}_id AS id, sum(CASE WHEN detail_type IN ('SalesItemLineDetail', 'GroupLineDetail') THEN amount
                         WHEN detail_type = 'DiscountLineDetail' THEN -amount ELSE 0 END) AS net, count(*) AS lines
                     FROM {lines} AS t GROUP BY 1
                 ) AS l ON l.id = d.id
                 WHERE abs(l.net + coalesce(d.total_tax, 0) - d.total_amount) > 0.001"
            );
            assert_eq!(
                database.ask(&differing).await.unwrap(),
                [""; 0],
                "{company} {kind}"
            );
            let (rows, _) = truth(company, kind).await;
            let known = format!("SELECT DISTINCT {id}_id FROM {lines} AS t WHERE detail_type IS NOT NULL");
            assert_eq!(
                database.ask(&known).await.unwrap().len(),
                rows,
                "{company} {kind}"
            );
        }
    }
}

pub(super) async fn the_account_tree_has_every_account_once_with_its_way_from_the_top(database: &Database) {
    for company in COMPANIES {
        let accounts = records(company, "account").await;
        let tree = database.table(company, "account_tree").await;
        let paths = database
            .ask(&format!("SELECT account_id || ' ' || path FROM {tree} AS t"))
            .await
            .unwrap();
        // The source marks the name of what was given up, and not the name with those above it.
        let mut paths: Vec<String> = paths.iter().map(|path| path.replace(" (deleted)", "")).collect();
        let mut expected: Vec<String> = accounts
            .iter()
            .map(|account| {
                format!(
                    "{} {}",
                    text(&account["Id"]),
                    text(&account["FullyQualifiedName"])
                )
            })
            .collect();
        paths.sort();
        expected.sort();
        assert_eq!(paths, expected, "{company}");
    }
}
