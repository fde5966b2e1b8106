//! Odd values: no value takes a table down; what is not of its column's type is null there, and noted.

use std::collections::{BTreeMap, BTreeSet};

use ledgerfleet_analysis::{Kind, Source, Value};
use serde_json::{Map, Value as Json, json};

use super::books::RecordText;
use super::columns::views;
use super::database::{Database, both};

/// A column for each type that can be odd.
const COLUMNS: [(Kind, &str, &[&str]); 5] = [
    (Kind::Text, "doc_number", &["DocNumber"]),
    (Kind::Numeric, "total_amount", &["TotalAmt"]),
    (Kind::Date, "transaction_date", &["TxnDate"]),
    (Kind::Timestamptz, "created_at", &["MetaData", "CreateTime"]),
    (
        Kind::Boolean,
        "apply_tax_after_discount",
        &["ApplyTaxAfterDiscount"],
    ),
];

/// A value as JSON text, and what it is of each type: text, number, day, instant, yes or no; `-` is null, `!` odd. How `~`
/// is written differs between the databases.
const VALUES: &[(&str, [&str; 5])] = &[
    ("null", ["-", "-", "-", "-", "-"]),
    (r#""""#, ["", "!", "!", "!", "!"]),
    (r#""abc""#, ["abc", "!", "!", "!", "!"]),
    (r#""it's \"ä\" \\ 漢""#, ["it's \"ä\" \\ 漢", "!", "!", "!", "!"]),
    ("0", ["0", "0", "!", "!", "!"]),
    ("-1", ["-1", "-1", "!", "!", "!"]),
    ("362.07", ["362.07", "362.07", "!", "!", "!"]),
    (r#""362.07""#, ["362.07", "362.07", "!", "!", "!"]),
    (r#""-0.5""#, ["-0.5", "-0.5", "!", "!", "!"]),
    (r#""1e5""#, ["1e5", "!", "!", "!", "!"]),
    (r#""1e999999""#, ["1e999999", "!", "!", "!", "!"]),
    (r#"" 5""#, [" 5", "!", "!", "!", "!"]),
    (r#""007""#, ["007", "!", "!", "!", "!"]),
    (r#""1,234.50""#, ["1,234.50", "!", "!", "!", "!"]),
    (r#""NaN""#, ["NaN", "!", "!", "!", "!"]),
    (
        "99999999999999999999.99",
        [
            "99999999999999999999.99",
            "99999999999999999999.99",
            "!",
            "!",
            "!",
        ],
    ),
    (
        "-9223372036854775808",
        ["-9223372036854775808", "-9223372036854775808", "!", "!", "!"],
    ),
    ("1e131071", ["~", "!", "!", "!", "!"]),
    ("-1e400", ["~", "!", "!", "!", "!"]),
    ("1e30", ["~", "!", "!", "!", "!"]),
    (
        r#""1000000000000000000000000000000""#,
        ["1000000000000000000000000000000", "!", "!", "!", "!"],
    ),
    (r#""100.00 ""#, ["100.00 ", "!", "!", "!", "!"]),
    ("20260614", ["20260614", "20260614", "!", "!", "!"]),
    ("true", ["!", "!", "!", "!", "yes"]),
    ("false", ["!", "!", "!", "!", "no"]),
    (r#""true""#, ["true", "!", "!", "!", "yes"]),
    ("{}", ["!", "!", "!", "!", "!"]),
    (r#"{"value": "1"}"#, ["!", "!", "!", "!", "!"]),
    ("[]", ["!", "!", "!", "!", "!"]),
    (r#"["2026-06-14", 1, null]"#, ["!", "!", "!", "!", "!"]),
    (r#""2026-06-14""#, ["2026-06-14", "!", "2026-06-14", "!", "!"]),
    (r#""2024-02-29""#, ["2024-02-29", "!", "2024-02-29", "!", "!"]),
    (r#""2026-02-29""#, ["2026-02-29", "!", "!", "!", "!"]),
    (r#""2026-13-01""#, ["2026-13-01", "!", "!", "!", "!"]),
    (r#""0000-01-01""#, ["0000-01-01", "!", "!", "!", "!"]),
    (r#""0206-06-14""#, ["0206-06-14", "!", "0206-06-14", "!", "!"]),
    (r#""9999-12-31""#, ["9999-12-31", "!", "9999-12-31", "!", "!"]),
    (r#""14/06/2026""#, ["14/06/2026", "!", "!", "!", "!"]),
    (
        r#""2026-06-14-07:00""#,
        ["2026-06-14-07:00", "!", "2026-06-14", "!", "!"],
    ),
    (
        r#""2026-06-14T09:30:00-07:00""#,
        ["2026-06-14T09:30:00-07:00", "!", "!", "2026-06-14T16:30:00Z", "!"],
    ),
    (
        r#""2026-06-14T09:30:00Z""#,
        ["2026-06-14T09:30:00Z", "!", "!", "2026-06-14T09:30:00Z", "!"],
    ),
    (
        r#""9999-12-31T23:59:59Z""#,
        ["9999-12-31T23:59:59Z", "!", "!", "9999-12-31T23:59:59Z", "!"],
    ),
    (
        r#""2026-06-14T09:30:00""#,
        ["2026-06-14T09:30:00", "!", "!", "!", "!"],
    ),
    (
        r#""2026-06-14T25:30:00Z""#,
        ["2026-06-14T25:30:00Z", "!", "!", "!", "!"],
    ),
    (
        r#""2026-02-30T09:30:00Z""#,
        ["2026-02-30T09:30:00Z", "!", "!", "!", "!"],
    ),
];

/// Stands for a number that is out of bounds.
const HELD: &str = "a number out of bounds";

/// A record whose member at `path` is `value`.
fn with(path: &[&str], value: &str) -> String {
    path.iter().rev().fold(value.to_owned(), |inside, member| {
        format!("{{{}:{inside}}}", json!(member))
    })
}

#[tokio::test]
async fn a_value_is_of_its_columns_type_or_null_and_noted() {
    for database in both().await {
        let connection = database.connect("acme").await;
        let records = COLUMNS.iter().flat_map(|(kind, _, path)| {
            (0..VALUES.len()).map(move |number| RecordText {
                id: format!("{}-{number}", kind.as_str()),
                payload: with(path, VALUES[number].0),
                updated_at: "2026-06-14T09:30:00Z".to_owned(),
                is_deleted: false,
            })
        });
        database
            .store(connection, "invoice", &records.collect::<Vec<_>>())
            .await;
        let (ids, notes) = (
            database.table("acme", "invoice_history").await,
            database.table("acme", "typing_notes").await,
        );
        for (place, (kind, column, _)) in COLUMNS.iter().enumerate() {
            let shown = database
                .ask(&shown(&database, *kind, column, &ids))
                .await
                .unwrap();
            let asked = format!(
                "SELECT id FROM {notes} AS n WHERE table_name = 'invoice' AND column_name = '{column}' AND type = '{}'",
                kind.as_str()
            );
            let odd: BTreeSet<String> = database.ask(&asked).await.unwrap().into_iter().collect();
            for (number, (text, expected)) in VALUES.iter().enumerate() {
                let expected = expected[place];
                let null = if expected == "!" { "-" } else { expected };
                assert!(
                    expected == "~" || shown.contains(&format!("{}-{number}={null}", kind.as_str())),
                    "{column} of {text}: {shown:#?}"
                );
                let is_noted = odd.contains(&format!("{}-{number}", kind.as_str()));
                assert_eq!(is_noted, expected == "!", "{column} of {text}");
            }
        }
        let counted: BTreeMap<String, u64> = database
            .notes("acme")
            .await
            .into_iter()
            .map(|note| (note.column, note.count))
            .collect();
        for (place, (_, column, _)) in COLUMNS.iter().enumerate() {
            let odd = VALUES
                .iter()
                .filter(|(_, expected)| expected[place] == "!")
                .count();
            assert_eq!(counted[*column], odd as u64, "{column}");
        }
    }
}

/// A statement that answers `id=value` for the records of a column, the value in the words of the table above.
fn shown(database: &Database, kind: Kind, column: &str, table: &str) -> String {
    let text = match (database, kind) {
        (Database::Sqlite(..), Kind::Numeric) => format!("{column}_text"),
        (Database::Sqlite(..), Kind::Boolean) => {
            format!("CASE {column} WHEN 1 THEN 'yes' WHEN 0 THEN 'no' END")
        }
        (Database::Postgres(_), Kind::Boolean) => {
            format!("CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END")
        }
        (Database::Postgres(_), Kind::Timestamptz) => {
            format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
        }
        _ => format!("CAST({column} AS text)"),
    };
    format!("SELECT CAST(id AS text) || '=' || coalesce({text}, '-') FROM {table} AS t")
}

#[tokio::test]
async fn no_value_takes_a_view_down_wherever_it_stands() {
    for database in both().await {
        let connection = database.connect("acme").await;
        for (entity, sources) in sources() {
            let records: Vec<RecordText> = VALUES
                .iter()
                .enumerate()
                .flat_map(|(number, (value, _))| {
                    // A number out of bounds is put in at the end: not every reader of JSON holds it.
                    let held = serde_json::from_str(value).unwrap_or_else(|_| json!(HELD));
                    [everywhere(&sources, &held), at_the_rows(&sources, &held)]
                        .into_iter()
                        .zip(["a", "b"])
                        .map(move |(record, which)| RecordText {
                            id: format!("{which}{number}"),
                            payload: record.to_string().replace(&json!(HELD).to_string(), value),
                            updated_at: "2026-06-14T09:30:00Z".to_owned(),
                            is_deleted: number % 5 == 4,
                        })
                })
                .collect();
            database.store(connection, entity, &records).await;
        }
        for (view, columns) in views() {
            // Every column is counted: what nobody asks for is not worked out.
            let counts = database.filled(&["acme"], &view, &columns).await;
            assert_eq!(counts.len(), columns.len(), "{view}");
        }
        assert!(!database.notes("acme").await.is_empty());
    }
}

type Sources = Vec<(&'static Source, Vec<Vec<String>>)>;

/// Every entity with the rows in it and the paths of their columns.
fn sources() -> BTreeMap<&'static str, Sources> {
    let mut all: BTreeMap<&str, Sources> = BTreeMap::new();
    for table in &Database::layout().tables {
        for source in &table.sources {
            let paths = table.columns.iter().flat_map(|column| match &column.value {
                Value::FirstOf(terms) => terms.iter().map(|term| members(&term.path)).collect(),
                _ => Vec::new(),
            });
            all.entry(source.entity.as_str())
                .or_default()
                .push((source, paths.collect()));
        }
    }
    all
}

fn members(path: &ledgerfleet_analysis::path::Path) -> Vec<String> {
    let after = path.chosen.iter().flat_map(|(_, after)| after.clone());
    path.members.iter().cloned().chain(after).collect()
}

/// A record in which every column of every row is this value.
fn everywhere(sources: &Sources, value: &Json) -> Json {
    let mut record = Json::Object(Map::new());
    for (source, paths) in sources {
        let mut row = Json::Object(Map::new());
        for path in paths {
            set(&mut row, path, value);
        }
        let way: Vec<String> = source.steps.iter().flat_map(|step| members(&step.path)).collect();
        let each = source.steps.iter().any(|step| step.each);
        if way.is_empty() {
            merge(&mut record, &row);
        } else if source.steps.len() == 1 {
            set(
                &mut record,
                &way,
                &if each { json!([row, value, null]) } else { row },
            );
        }
    }
    record
}

/// A record in which the value stands where rows should.
fn at_the_rows(sources: &Sources, value: &Json) -> Json {
    let mut record = Json::Object(Map::new());
    for (source, _) in sources {
        let way: Vec<String> = source.steps.iter().flat_map(|step| members(&step.path)).collect();
        if !way.is_empty() {
            set(&mut record, &way, value);
        }
    }
    record
}

fn set(at: &mut Json, path: &[String], value: &Json) {
    let [member, rest @ ..] = path else {
        return;
    };
    let Some(object) = at.as_object_mut() else {
        return;
    };
    if rest.is_empty() {
        object.entry(member.clone()).or_insert_with(|| value.clone());
    } else {
        set(
            object.entry(member.clone()).or_insert_with(|| json!({})),
            rest,
            value,
        );
    }
}

fn merge(record: &mut Json, row: &Json) {
    if let (Some(record), Some(row)) = (record.as_object_mut(), row.as_object()) {
        for (member, value) in row {
            record.entry(member.clone()).or_insert_with(|| value.clone());
        }
    }
}
