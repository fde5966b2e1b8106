//! A company made by hand: documents that are booked in ways in which the emulator's are not, and what tables and measures have
//! to say of them. Each kind of trouble has a month, an account or a customer of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::books::RecordText;
use super::database::Database;

pub(super) const MADE: &str = "made";

/// The zone of a company in tests.
const ZONE: &str = "America/Guayaquil";

/// An amount that a table or measure comes to: the table, the amount, which rows, and what it is.
type Amount = (&'static str, &'static str, &'static str, &'static str);

const AMOUNTS: &[Amount] = &[
    // What is paid ahead is revenue when it is used, and not before.
    ("revenue_by_month", "revenue", "month = '2020-01-01'", "0.00"),
    ("revenue_by_month", "revenue", "month = '2020-03-01'", "500.00"),
    ("revenue_by_month", "credits", "month = '2020-04-01'", "0.00"),
    ("revenue_by_month", "revenue", "month = '2020-05-01'", "40.00"),
    ("revenue_by_month", "revenue", "month = '2020-06-01'", "20.00"),
    ("revenue_by_month", "documents", "month = '2020-03-01'", "1.00"),
    ("revenue_by_month", "documents", "month = '2020-05-01'", "1.00"),
    ("top_customers", "revenue", "customer_id = 'retained'", "500.00"),
    ("top_customers", "documents", "customer_id = 'retained'", "3.00"),
    // A bundle is what it consists of.
    ("sales_by_item", "quantity", "item_id = 'shoots'", "40.00"),
    ("sales_by_item", "amount_at_home", "item_id = 'shoots'", "50.00"),
    ("sales_by_item", "quantity", "item_id = 'basket'", "3.00"),
    ("sales_by_item", "amount_at_home", "item_id = 'basket'", "15.00"),
    ("document_bundle_line", "amount", "line_index = 1", "10.00"),
    // Money has two sides.
    ("cash_by_account", "net", "account_id = 'bank'", "-415.00"),
    ("cash_by_account", "cash_in", "account_id = 'bank'", "145.00"),
    ("cash_by_account", "net", "account_id = 'card'", "500.00"),
    ("cash_by_account", "cash_out", "account_id = 'card'", "90.00"),
    ("cash_by_account", "net", "account_id = 'gone'", "50.00"),
    // What is out of all bounds is no amount; the others are there.
    ("revenue_by_month", "revenue", "month = '2020-09-01'", "5.00"),
    ("revenue_by_month", "documents", "month = '2020-09-01'", "4.00"),
    (
        "receivables_by_age",
        "open_amount",
        "customer_id = 'huge'",
        "5.00",
    ),
    // A rate that cannot be read is not 1.
    ("revenue_by_month", "revenue", "month = '2020-10-01'", "300.00"),
    (
        "receivables_by_age",
        "open_amount",
        "customer_id = 'abroad'",
        "700.00",
    ),
    (
        "receivables_by_age",
        "open_at_home",
        "customer_id = 'abroad'",
        "300.00",
    ),
    ("document", "home_total_amount", "id LIKE 'unread%'", "77.00"),
    ("document", "home_rate", "id LIKE 'rate-%'", "2.00"),
    // Rates of many decimals, exponents and half cents.
    ("document", "home_total_amount", "id = 'vnd'", "42712.30"),
    ("document", "home_total_amount", "id = 'exponent'", "42.70"),
    ("document", "home_total_amount", "id = 'half'", "1.01"),
    ("document_line", "home_amount", "document_id = 'half'", "-1.01"),
    ("document", "home_total_amount", "id = 'limbs'", "121932631.13"),
    ("cash_by_account", "net", "account_id = 'other'", "42712.30"),
    // A refund to a card is told from an expense.
    (
        "document",
        "total_amount",
        "kind = 'purchase' AND credit",
        "60.00",
    ),
    ("document_line", "amount", "kind = 'purchase' AND credit", "60.00"),
];

/// Words of a table: the table, the expression, which rows, and what is there, in order.
type Words = (&'static str, &'static str, &'static str, &'static [&'static str]);

const WORDS: &[Words] = &[
    (
        "top_customers",
        "CAST(last_sale AS text)",
        "customer_id = 'retained'",
        &["2020-03-10"],
    ),
    (
        "document_line",
        "detail_type || ' ' || class_id",
        "document_id = 'classes'",
        &[
            "DiscountLineDetail of-discount",
            "SalesItemLineDetail of-document",
            "SalesItemLineDetail of-line",
        ],
    ),
    (
        "document_bundle_line",
        "class_id",
        "document_id = 'bare-bundle'",
        &["of-document"],
    ),
    (
        "payment_line",
        "linked_type",
        "payment_id = 'paid'",
        &["CreditMemo", "Invoice"],
    ),
    (
        "document_line",
        "linked_type || ' ' || linked_id",
        "document_id = 'paid'",
        &["CreditMemo c", "Invoice i"],
    ),
    (
        "document_tax_line",
        "tax_rate_id",
        "kind = 'vendor_credit'",
        &["gst"],
    ),
    (
        "typing_notes",
        "id",
        "table_name = 'invoice' AND column_name = 'exchange_rate' AND id NOT LIKE 'huge%'",
        &["rate-comma", "rate-exponent", "rate-words", "unread-taxed"],
    ),
];

pub(super) async fn figures_are_what_was_booked(database: &Database) {
    let tables: BTreeSet<&str> = AMOUNTS.iter().map(|(table, ..)| *table).collect();
    for table in tables {
        let of_table: Vec<&Amount> = AMOUNTS.iter().filter(|amount| amount.0 == table).collect();
        let amounts: Vec<(&str, &str)> = of_table
            .iter()
            .map(|(_, amount, which, _)| (*amount, *which))
            .collect();
        let said = database.sums(MADE, table, &amounts).await;
        for ((_, amount, which, expected), said) in of_table.into_iter().zip(said) {
            let cents: i128 = expected.replace('.', "").parse().unwrap();
            assert_eq!(said, cents, "{table}.{amount} where {which}");
        }
    }
    for (table, words, which, expected) in WORDS {
        let from = database.table(MADE, table).await;
        let asked = format!("SELECT {words} FROM {from} AS t WHERE {which} ORDER BY 1");
        assert_eq!(
            database.ask(&asked).await.unwrap(),
            *expected,
            "{table}: {words} where {which}"
        );
    }
}

/// What is open is as old as it is where the company is, wherever the one who asks is.
pub(super) async fn ages_are_counted_from_the_day_of_the_company(database: &Database) {
    for measure in ["receivables_by_age", "payables_by_age"] {
        let table = database.table(MADE, measure).await;
        match database {
            Database::Sqlite(..) => {
                let asked = format!("SELECT DISTINCT CAST(as_of = date('now') AS text) FROM {table}");
                assert_eq!(database.ask(&asked).await.unwrap(), ["1"], "{measure}");
            }
            Database::Postgres(world) => {
                let mut tx = world.sql.begin().await.unwrap();
                // A zone that the server does not know has the day of UTC. The two that ask are more than a day apart: no day
                // is that of both.
                for (zone, known) in [(ZONE, ZONE), ("America/Nowhere", "UTC")] {
                    let set = "UPDATE fleet.connections SET time_zone = $1 WHERE name = $2";
                    let set = sqlx::query(set).bind(zone).bind(MADE);
                    assert_eq!(set.execute(&mut *tx).await.unwrap().rows_affected(), 1);
                    for asking in ["Pacific/Kiritimati", "Etc/GMT+12"] {
                        let set = format!("SET LOCAL TIME ZONE '{asking}'");
                        let set = sqlx::raw_sql(sqlx::AssertSqlSafe(set));
                        set.execute(&mut *tx).await.unwrap();
                        let asked = format!(
                            "SELECT DISTINCT as_of = (now() AT TIME ZONE '{known}')::date FROM {table} AS t"
                        );
                        let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(asked));
                        let right: Vec<bool> = asked.fetch_all(&mut *tx).await.unwrap();
                        assert_eq!(
                            right,
                            [true],
                            "{measure} of a company in {zone}, asked from {asking}"
                        );
                    }
                }
            }
        }
    }
}

/// Stores the company.
pub(super) async fn stored(database: &Database) {
    let connection = database.connect(MADE).await;
    for (entity, records) in records() {
        let texts: Vec<RecordText> = records.iter().map(record).collect();
        database.store(connection, entity, &texts).await;
    }
}

fn record(payload: &Value) -> RecordText {
    let text = payload.to_string();
    RecordText {
        id: payload["Id"].as_str().unwrap().to_owned(),
        is_deleted: payload["Id"] == "gone",
        // A number out of bounds is a text here: not every reader of JSON holds it.
        payload: text
            .replace("\"#1e131071\"", "1e131071")
            .replace("\"#-1e400\"", "-1e400"),
        updated_at: "2026-06-14T09:30:00Z".to_owned(),
    }
}

fn records() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("account", accounts()),
        ("item", items()),
        ("invoice", [ahead(), bundles(), odd(), rates()].concat()),
        ("sales_receipt", receipts()),
        (
            "credit_memo",
            vec![sale(
                "back",
                "2020-04-10",
                "retained",
                100,
                &[item("retainer", 100, 1)],
            )],
        ),
        ("payment", payments()),
        ("purchase", purchases()),
        (
            "deposit",
            vec![expense(
                "paid-in",
                json!({"DepositToAccountRef": {"value": "bank"}, "TotalAmt": 80}),
                "card",
                80,
            )],
        ),
        (
            "bill",
            vec![expense(
                "asked",
                json!({"TotalAmt": 30, "Balance": 30}),
                "card",
                30,
            )],
        ),
        ("vendor_credit", vec![vendor_credit()]),
    ]
}

fn accounts() -> Vec<Value> {
    [
        ("services", "Income", "Revenue"),
        ("retainers", "Other Current Liability", "Liability"),
        ("bank", "Bank", "Asset"),
        ("other", "Bank", "Asset"),
        ("gone", "Bank", "Asset"),
        ("card", "Credit Card", "Liability"),
    ]
    .map(|(id, kind, class)| json!({"Id": id, "Name": id, "AccountType": kind, "Classification": class}))
    .into()
}

fn items() -> Vec<Value> {
    [
        ("work", "Service", "services"),
        ("retainer", "Service", "retainers"),
        ("shoots", "Inventory", "services"),
        ("tender", "Service", "bank"),
    ]
    .map(|(id, kind, account)| json!({"Id": id, "Name": id, "Type": kind, "IncomeAccountRef": {"value": account}}))
    .into_iter()
    .chain([json!({"Id": "basket", "Name": "basket", "Type": "Group"})])
    .collect()
}

fn item(item: &str, amount: i64, quantity: i64) -> Value {
    json!({"Amount": amount, "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": item}, "Qty": quantity,
            "UnitPrice": amount, "TaxCodeRef": {"value": "TAX"}}})
}

fn sub_total(amount: i64) -> Value {
    json!({"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
}

/// A document of sale with its lines.
fn sale(id: &str, day: &str, customer: &str, total: i64, lines: &[Value]) -> Value {
    json!({"Id": id, "TxnDate": day, "CustomerRef": {"value": customer}, "TotalAmt": total, "Line": lines})
}

/// A document with one line whose account is the other side.
fn expense(id: &str, mut document: Value, account: &str, amount: i64) -> Value {
    let detail = if id == "paid-in" {
        "DepositLineDetail"
    } else {
        "AccountBasedExpenseLineDetail"
    };
    document["Id"] = json!(id);
    document["TxnDate"] = json!("2020-08-14");
    document["Line"] =
        json!([{"Amount": amount, "DetailType": detail, detail: {"AccountRef": {"value": account}}}]);
    document
}

/// What is paid ahead, and what it is used for.
fn ahead() -> Vec<Value> {
    let mut of_line = item("work", 500, 1);
    of_line["SalesItemLineDetail"]["ItemAccountRef"] = json!({"value": "services"});
    let group = json!({"DetailType": "GroupLineDetail", "Amount": 70, "GroupLineDetail": {"GroupItemRef": {"value": "basket"},
        "Quantity": 1, "Line": [item("work", 40, 1), item("retainer", 30, 1)]}});
    let mut deposited = sale("deposited", "2020-08-12", "till", 100, &[item("work", 100, 1)]);
    deposited["Deposit"] = json!(40);
    deposited["DepositToAccountRef"] = json!({"value": "bank"});
    vec![
        deposited,
        sale(
            "used",
            "2020-03-10",
            "retained",
            0,
            &[of_line, item("retainer", -500, -1), sub_total(0)],
        ),
        sale("both", "2020-05-10", "bundled", 70, &[group, sub_total(70)]),
        sale(
            "unknown",
            "2020-06-10",
            "bundled",
            20,
            &[item("nobody-knows", 20, 1)],
        ),
    ]
}

fn bundles() -> Vec<Value> {
    let group = |amount: Value, quantity: i64, lines: Value| {
        json!({"DetailType": "GroupLineDetail", "Amount": amount,
            "GroupLineDetail": {"GroupItemRef": {"value": "basket"}, "Quantity": quantity, "Line": lines}})
    };
    let mut described = item("shoots", 10, 8);
    described["Description"] = json!("shoots of bamboo");
    described["SalesItemLineDetail"]["ItemAccountRef"] = json!({"value": "services"});
    let bare = group(Value::Null, 1, json!([described]));
    let words = json!({"DetailType": "DescriptionOnly", "Description": "thank you"});
    let mut bare = sale(
        "bare-bundle",
        "2020-07-10",
        "bundled",
        10,
        &[words, bare, sub_total(10)],
    );
    bare["ClassRef"] = json!({"value": "of-document"});
    bare["CurrencyRef"] = json!({"value": "USD"});
    let whole = group(json!(40), 4, json!([item("shoots", 40, 32)]));
    let unlisted = group(json!(15), 3, Value::Null);
    let mut classes = vec![item("work", 60, 1), item("work", 40, 1)];
    classes[0]["SalesItemLineDetail"]["ClassRef"] = json!({"value": "of-line"});
    classes.push(json!({"Amount": 10, "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"ClassRef": {"value": "of-discount"}}}));
    let mut classes = sale("classes", "2020-12-10", "classed", 90, &classes);
    classes["ClassRef"] = json!({"value": "of-document"});
    vec![
        bare,
        sale("whole-bundle", "2020-07-11", "bundled", 40, &[whole]),
        sale("unlisted-bundle", "2020-07-12", "bundled", 15, &[unlisted]),
        classes,
    ]
}

/// Amounts out of all bounds.
fn odd() -> Vec<Value> {
    ["#1e131071", "#-1e400", "5 ", "5"]
        .map(|amount| {
            json!({"Id": format!("huge {amount}"), "TxnDate": "2020-09-10", "CustomerRef": {"value": "huge"},
                "ExchangeRate": if amount.starts_with('#') { amount } else { "1" }, "TotalAmt": amount, "Balance": amount})
        })
        .into()
}

/// Rates that are none, and rates that are hard.
fn rates() -> Vec<Value> {
    let of_100 = |id: &str, rate: Value| {
        json!({"Id": id, "TxnDate": "2020-10-10", "CustomerRef": {"value": "abroad"}, "ExchangeRate": rate, "TotalAmt": 100,
            "Balance": 100})
    };
    let dated = |id: &str, amount: Value, rate: Value| {
        json!({"Id": id, "TxnDate": "2020-11-10", "CustomerRef": {"value": "exact"}, "ExchangeRate": rate, "TotalAmt": amount,
            "Line": [{"Amount": amount}]})
    };
    let mut absent = of_100("rate-absent", Value::Null);
    absent.as_object_mut().unwrap().remove("ExchangeRate");
    let mut taxed = of_100("unread-taxed", json!("abc"));
    taxed["HomeTotalAmt"] = json!(77);
    taxed["TxnTaxDetail"] = json!({"TotalTax": 7});
    let mut half = dated("half", json!(1.005), json!(1));
    half["Line"][0]["Amount"] = json!(-1.005);
    vec![
        absent,
        of_100("rate-null", Value::Null),
        of_100("one-as-text", json!("1.0")),
        of_100("rate-exponent", json!("4.27E-5")),
        of_100("rate-comma", json!("1,0853")),
        of_100("rate-words", json!("abc")),
        taxed,
        dated("vnd", json!(1_000_000_000), json!(0.000_042_712_3)),
        dated("exponent", json!(1e6), json!(4.27e-5)),
        dated("limbs", json!(123_456_789.01), json!(0.987_654_321_098_765_4)),
        half,
    ]
}

fn receipts() -> Vec<Value> {
    let to = |account: &str, mut receipt: Value| {
        receipt["DepositToAccountRef"] = json!({"value": account});
        receipt
    };
    vec![
        sale(
            "ahead",
            "2020-01-10",
            "retained",
            500,
            &[item("retainer", 500, 1), sub_total(500)],
        ),
        // What the till took in cash is a line of its own.
        to(
            "bank",
            sale(
                "till",
                "2020-08-10",
                "till",
                0,
                &[item("work", 25, 1), item("tender", -25, -1)],
            ),
        ),
        to(
            "gone",
            sale("to-gone", "2020-08-11", "till", 50, &[item("work", 50, 1)]),
        ),
    ]
}

fn payments() -> Vec<Value> {
    let line = |kind: &str, id: &str| json!({"Amount": 45, "LinkedTxn": [{"TxnType": kind, "TxnId": id}]});
    vec![
        json!({"Id": "paid", "TxnDate": "2020-08-10", "TotalAmt": 0, "Line": [line("Invoice", "i"), line("CreditMemo", "c")]}),
        json!({"Id": "from-abroad", "TxnDate": "2020-08-10", "TotalAmt": 1_000_000_000, "ExchangeRate": 0.000_042_712_3,
            "DepositToAccountRef": {"value": "other"}}),
    ]
}

fn purchases() -> Vec<Value> {
    let from = |account: &str, amount: i64, credit: bool| json!({"AccountRef": {"value": account}, "TotalAmt": amount, "Credit": credit});
    vec![
        expense("card-paid", from("bank", 500, false), "card", 500),
        expense("card-refund", from("card", 60, true), "bank", 60),
    ]
}

fn vendor_credit() -> Value {
    let tax = json!({"TaxLine": [{"Amount": 1, "TaxLineDetail": {"TaxRateRef": {"value": "gst"}}}]});
    expense(
        "credited",
        json!({"TotalAmt": 10, "Balance": 10, "TxnTaxDetail": tax}),
        "card",
        10,
    )
}
