//! Every column has a value in the emulator's books, or a reason why it has none.

use std::collections::BTreeSet;

use ledgerfleet_analysis::layout::{DELETED, SYNCED};

use super::books::{COMPANIES, entities, truth};
use super::database::Database;
use super::made::MADE;

/// Columns without a value, a line each: table, column, why.
const ABSENT: &str = include_str!("absent.tsv");

pub(super) async fn every_view_answers_and_every_column_has_a_value_or_a_reason_to_have_none(
    database: &Database,
) {
    let excused: BTreeSet<(&str, &str)> = ABSENT
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split('\t');
            (fields.next().unwrap(), fields.next().unwrap())
        })
        .collect();
    let mut wrong = Vec::new();
    for (table, columns) in views() {
        let filled = database
            .filled(&[COMPANIES[0], COMPANIES[1], MADE], &table, &columns)
            .await;
        for (column, count) in columns.iter().zip(filled) {
            let is_excused = excused.contains(&(table.as_str(), column.as_str()));
            if is_excused != (count == 0) {
                wrong.push(format!("{table} {column} {count}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "no value and no reason, or both:\n{}",
        wrong.join("\n")
    );
}

/// Tables and measures with their columns.
pub(super) fn views() -> Vec<(String, Vec<String>)> {
    let layout = Database::layout();
    let tables = layout.tables.iter().map(|table| {
        let columns = table.columns.iter().map(|column| column.name.clone());
        let always = [SYNCED, DELETED].map(str::to_owned);
        (table.name.clone(), columns.chain(always).collect())
    });
    let measures = layout.measures.iter().map(|measure| {
        let columns = measure.columns.iter().map(|(column, _)| column.clone());
        (measure.name.clone(), columns.collect())
    });
    tables.chain(measures).collect()
}

pub(super) async fn a_table_has_the_records_that_are_there_and_its_history_the_deleted_one_too(
    database: &Database,
) {
    for table in Database::layout()
        .tables
        .iter()
        .filter(|table| table.is_of_records())
    {
        let source = &table.sources[0];
        if source.filter.is_some() {
            continue;
        }
        assert!(entities().any(|entity| entity == source.entity));
        for company in COMPANIES {
            let (rows, _) = truth(company, &source.entity).await;
            assert_eq!(
                database.count(company, &table.name).await,
                rows,
                "{company} {}",
                table.name
            );
            let history = database.count(company, &format!("{}_history", table.name)).await;
            assert_eq!(history, rows + usize::from(rows > 0), "{company} {}", table.name);
        }
    }
}
