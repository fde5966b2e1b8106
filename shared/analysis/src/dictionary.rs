//! The dictionary: every table, column and measure of a layout, for people.

use std::fmt::Write;

use crate::layout::{Layout, OF_EVERY_TABLE, Source, Table};

/// One line of the dictionary as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table or measure.
    pub table: String,
    /// The column.
    pub column: String,
    /// Its type; none for a measure's.
    pub kind: Option<&'static str>,
    /// Whether it is part of what identifies a row inside of a company.
    pub is_key: bool,
    /// Where in the record it is; none for a measure's.
    pub path: Option<String>,
    /// What it means.
    pub meaning: String,
}

/// Every column.
pub fn entries(layout: &Layout) -> Vec<Entry> {
    let mut entries = Vec::new();
    for table in &layout.tables {
        entries.extend(table.columns.iter().map(|column| Entry {
            table: table.name.clone(),
            column: column.name.clone(),
            kind: Some(column.kind.as_str()),
            is_key: column.is_key,
            path: Some(column.path.clone()),
            meaning: column.meaning.clone(),
        }));
    }
    for measure in &layout.measures {
        entries.extend(measure.columns.iter().map(|(column, meaning)| Entry {
            table: measure.name.clone(),
            column: column.clone(),
            kind: None,
            is_key: false,
            path: None,
            meaning: meaning.clone(),
        }));
    }
    entries
}

/// The page, in Markdown.
pub fn page(layout: &Layout) -> String {
    let mut page = String::with_capacity(128 * 1024);
    let connector = layout.connector;
    // Writing into a string cannot fail, here and below.
    let _ = write!(
        page,
        "# The tables of {connector}\n\n\
         In Postgres each company has a schema `{connector}_<name>` with these tables as views; in SQLite they are called \
         `{connector}_<table>` and begin with the column `connection`. They hold what is there now; `<table>_history` holds \
         deleted records, too. Ids are texts and unique inside of a company only. Amounts are in the document's own currency \
         unless their column says `home`. In SQLite a number is a binary fraction, and its exact text is beside it in \
         `<column>_text`. A value that is not of its column's type is null, and a row of `typing_notes`.\n\n\
         `scheduler model refresh --typed` copies the rows into typed tables, which are as of that moment and quick to query: \
         the same names in the schema `{connector}_typed_<name>`, and in SQLite under `{connector}_typed_<table>`.\n\n\
         ## Measures\n"
    );
    for measure in &layout.measures {
        let _ = write!(
            page,
            "\n### {}\n\n{}\n\n| Column | Meaning |\n|---|---|\n",
            measure.name, measure.definition
        );
        for (column, meaning) in &measure.columns {
            let _ = writeln!(page, "| `{column}` | {} |", cell(meaning));
        }
    }
    page.push_str(
        "\n## Tables\n\nEvery table ends with these two:\n\n| Column | Type | Meaning |\n|---|---|---|\n",
    );
    for (column, kind, meaning) in OF_EVERY_TABLE {
        let _ = writeln!(page, "| `{column}` | {} | {meaning} |", kind.as_str());
    }
    for table in &layout.tables {
        write_table(table, &mut page);
    }
    page
}

fn write_table(table: &Table, page: &mut String) {
    let sources: Vec<String> = table
        .sources
        .iter()
        .map(|source| format!("`{}`", source_of(source)))
        .collect();
    let _ = write!(
        page,
        "\n### {}\n\n{} From {}.\n\n| Column | Type | In the record | Meaning |\n|---|---|---|---|\n",
        table.name,
        table.meaning,
        sources.join(", ")
    );
    for column in &table.columns {
        let key = if column.is_key { " (key)" } else { "" };
        let path = if column.path.starts_with('@') {
            String::new()
        } else {
            format!("`{}`", column.path)
        };
        let _ = writeln!(
            page,
            "| `{}` | {}{key} | {} | {} |",
            column.name,
            column.kind.as_str(),
            cell(&path),
            cell(&column.meaning)
        );
    }
}

fn source_of(source: &Source) -> String {
    let mut text = source.entity.clone();
    if let Some(filter) = &source.filter {
        let _ = write!(text, "[{}={}]", filter.member, filter.values.join(","));
    }
    for step in &source.steps {
        let _ = write!(
            text,
            ".{}{}",
            step.path.members.join("."),
            if step.each { "[]" } else { "" }
        );
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
