//! A reader's ledger: all rows of all entities of one company, with whatever they say about each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::client::Client;

/// Every entity: its name, upstream's name and the key of its answers.
pub(crate) const ENTITIES: &[(&str, &str)] = &[
    ("account", "Account"),
    ("attachable", "Attachable"),
    ("bill", "Bill"),
    ("bill_payment", "BillPayment"),
    ("budget", "Budget"),
    ("class", "Class"),
    ("company_currency", "CompanyCurrency"),
    ("company_info", "CompanyInfo"),
    ("credit_card_payment", "CreditCardPayment"),
    ("credit_memo", "CreditMemo"),
    ("customer", "Customer"),
    ("customer_type", "CustomerType"),
    ("department", "Department"),
    ("deposit", "Deposit"),
    ("employee", "Employee"),
    ("estimate", "Estimate"),
    ("exchange_rate", "ExchangeRate"),
    ("inventory_adjustment", "InventoryAdjustment"),
    ("invoice", "Invoice"),
    ("item", "Item"),
    ("journal_code", "JournalCode"),
    ("journal_entry", "JournalEntry"),
    ("payment", "Payment"),
    ("payment_method", "PaymentMethod"),
    ("preferences", "Preferences"),
    ("purchase", "Purchase"),
    ("purchase_order", "PurchaseOrder"),
    ("recurring_transaction", "RecurringTransaction"),
    ("refund_receipt", "RefundReceipt"),
    ("reimburse_charge", "ReimburseCharge"),
    ("sales_receipt", "SalesReceipt"),
    ("tax_agency", "TaxAgency"),
    ("tax_code", "TaxCode"),
    ("tax_rate", "TaxRate"),
    ("term", "Term"),
    ("time_activity", "TimeActivity"),
    ("transfer", "Transfer"),
    ("vendor", "Vendor"),
    ("vendor_credit", "VendorCredit"),
];

/// Those that hide inactive names.
pub(crate) const WITH_ACTIVE: &[&str] = &[
    "Account",
    "Budget",
    "Class",
    "CompanyCurrency",
    "Customer",
    "Department",
    "Employee",
    "Item",
    "JournalCode",
    "PaymentMethod",
    "TaxCode",
    "TaxRate",
    "Term",
    "Vendor",
];

pub(crate) const SINGLE: &[&str] = &["CompanyInfo", "Preferences"];

/// The statement that reads all of an entity.
pub(crate) fn select(api: &str) -> String {
    let columns = if api == "Item" { "*, Sku" } else { "*" };
    let active = if WITH_ACTIVE.contains(&api) {
        " WHERE Active IN (true, false)"
    } else {
        ""
    };
    format!("SELECT {columns} FROM {api}{active}")
}

/// All rows by entity and id.
pub(crate) struct Ledger(pub(crate) BTreeMap<&'static str, BTreeMap<String, Value>>);

impl Ledger {
    /// Reads everything that the company serves.
    pub(crate) async fn read(client: &Client) -> Self {
        let mut all = BTreeMap::new();
        for (_, api) in ENTITIES {
            let mut rows = BTreeMap::new();
            for start in (1..).step_by(1000) {
                let select = select(api);
                let statement = if SINGLE.contains(api) {
                    select
                } else {
                    format!("{select} STARTPOSITION {start} MAXRESULTS 1000")
                };
                let answer = client.query(&statement).await;
                if answer.status == 400 {
                    assert!(
                        ["5030", "5020", "4001"].contains(&answer.code().as_str()),
                        "{}",
                        answer.body
                    );
                    break;
                }
                let page = answer.rows();
                let last = page.len() < 1000;
                rows.extend(page.into_iter().map(|row| (id(&row), row)));
                if last {
                    break;
                }
            }
            all.insert(*api, rows);
        }
        Self(all)
    }

    pub(crate) fn rows(&self, api: &str) -> impl Iterator<Item = &Value> {
        self.0[api].values()
    }

    pub(crate) fn row(&self, api: &str, id: &str) -> Option<&Value> {
        self.0.get(api)?.get(id)
    }
}

/// A row's id; of a wrapper the one inside.
pub(crate) fn id(row: &Value) -> String {
    let inner = || row.as_object()?.values().next()?.get("Id");
    let id = row.get("Id").or_else(inner).and_then(Value::as_str);
    id.map_or_else(
        || {
            format!(
                "{}:{}",
                row["SourceCurrencyCode"].as_str().unwrap_or("?"),
                row["AsOfDate"].as_str().unwrap_or("?")
            )
        },
        str::to_owned,
    )
}

/// What a row says of others: (entity, id) of each reference.
pub(crate) fn references(api: &'static str, row: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    collect(api, row, &mut found);
    found
}

fn collect(api: &str, value: &Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(api, value, found)),
        Value::Object(members) => {
            for (key, value) in members {
                if let (Some(target), Some(id)) = (target(api, key, value), value["value"].as_str()) {
                    found.insert((target, id.to_owned()));
                } else {
                    collect(api, value, found);
                }
            }
        }
        _ => {}
    }
}

fn target(api: &str, key: &str, value: &Value) -> Option<String> {
    let target = match key {
        "CustomerRef" => "Customer",
        "VendorRef" => "Vendor",
        "EmployeeRef" => "Employee",
        "ItemRef" => "Item",
        "ClassRef" => "Class",
        "DepartmentRef" => "Department",
        "PaymentMethodRef" => "PaymentMethod",
        "SalesTermRef" => "Term",
        "TaxCodeRef" => "TaxCode",
        "TaxRateRef" => "TaxRate",
        "AgencyRef" => "TaxAgency",
        "CurrencyRef" => "Currency",
        "ParentRef" => api,
        "EntityRef" => value["type"].as_str()?,
        _ if key.ends_with("AccountRef") => "Account",
        _ if key.ends_with("Ref") && value["value"].is_string() => panic!("nobody knows {key}"),
        _ => return None,
    };
    Some(target.to_owned())
}

/// The links of a row, wherever they stand: (entity, id).
pub(crate) fn links(row: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    collect_links(row, &mut found);
    found
}

fn collect_links(value: &Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect_links(value, found)),
        Value::Object(members) => {
            if let (Some(id), Some(kind)) = (value["TxnId"].as_str(), value["TxnType"].as_str()) {
                let kind = if kind.starts_with("BillPayment") {
                    "BillPayment"
                } else {
                    kind
                };
                found.insert((kind.to_owned(), id.to_owned()));
            }
            members.values().for_each(|value| collect_links(value, found));
        }
        _ => {}
    }
}
