//! From a file of columns to a layout, checked.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{Column, DELETED, Kind, LONGEST_NAME, Layout, RowStep, Rows, SYNCED, Source, Table};
use crate::measure::Measure;
use crate::path::{Filter, Path, Value};

/// What is wrong with a file of columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LayoutError {
    /// Which line, from 1; 0 for what is wrong with the whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Layout {
    /// Reads a file of columns and the measures over them.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(
        connector: &'static str,
        raw_prefix: &'static str,
        columns: &str,
        measures: &[&str],
    ) -> Result<Self, LayoutError> {
        let mut reader = Reader::default();
        for (number, line) in (1..).zip(columns.lines()) {
            let is_data = !line.starts_with('#') && !line.starts_with("table\t") && !line.is_empty();
            if is_data {
                reader
                    .read(line)
                    .map_err(|what| LayoutError { line: number, what })?;
            }
        }
        let whole = |what| LayoutError { line: 0, what };
        let measures: Result<Vec<Measure>, String> =
            measures.iter().map(|text| Measure::parse(text)).collect();
        let layout = Self {
            connector,
            raw_prefix,
            tables: reader.tables,
            measures: measures.map_err(whole)?,
        };
        layout.check().map_err(whole)?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), String> {
        let longest = LONGEST_NAME - self.connector.len() - "__history".len();
        let names = self.tables.iter().map(|table| &table.name);
        let mut seen = BTreeSet::new();
        for name in names.chain(self.measures.iter().map(|measure| &measure.name)) {
            if !seen.insert(name) {
                return Err(format!("`{name}` is there twice"));
            }
            if name.len() > longest {
                return Err(format!("`{name}` is longer than {longest} bytes"));
            }
        }
        for table in &self.tables {
            self.check_table(table)
                .map_err(|what| format!("{}: {what}", table.name))?;
        }
        Ok(())
    }

    fn check_table(&self, table: &Table) -> Result<(), String> {
        const LONGEST_COLUMN: usize = LONGEST_NAME - "_text".len();
        let mut seen: BTreeSet<&str> = ["connection", SYNCED, DELETED].into();
        for column in &table.columns {
            if !seen.insert(&column.name) {
                return Err(format!("the column `{}` is there twice", column.name));
            }
            if column.name.len() > LONGEST_COLUMN {
                return Err(format!("`{}` is longer than {LONGEST_COLUMN} bytes", column.name));
            }
        }
        let texts = table.columns.iter().filter(|column| column.kind == Kind::Numeric);
        if let Some(column) = texts
            .map(|column| format!("{}_text", column.name))
            .find(|name| seen.contains(name.as_str()))
        {
            return Err(format!("`{column}` stands for the exact text of another column"));
        }
        if table.keys().next().is_none() {
            return Err("it has no key".to_owned());
        }
        let parts = table.sources.iter().filter(|source| !source.steps.is_empty());
        let orphan = parts.map(|source| &source.entity).find(|entity| {
            let is_parent = |table: &Table| table.is_of_records() && table.sources[0].entity == **entity;
            !self.tables.iter().any(is_parent)
        });
        orphan.map_or(Ok(()), |entity| {
            Err(format!("its parent `{entity}` has no table"))
        })
    }
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    sets: BTreeMap<String, Vec<Column>>,
    tables: Vec<Table>,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [table, column, kind, key, path, meaning] = fields[..] else {
            return Err(format!("{} fields instead of six", fields.len()));
        };
        if !is_name(table.trim_start_matches('*')) {
            return Err(format!("`{table}` is no name"));
        }
        match column {
            "-" => {
                self.tables.push(begin(table, kind, path, meaning)?);
                Ok(())
            }
            "+" => self.take_over(table, path),
            _ => {
                let column = read_column(column, kind, key, path, meaning)?;
                self.columns_of(table)?.push(column);
                Ok(())
            }
        }
    }

    fn columns_of(&mut self, table: &str) -> Result<&mut Vec<Column>, String> {
        if table.starts_with('*') {
            return Ok(self.sets.entry(table.to_owned()).or_default());
        }
        let last = self.tables.last_mut().filter(|last| last.name == table);
        let last = last.ok_or_else(|| format!("`{table}` has not begun"))?;
        Ok(&mut last.columns)
    }

    fn take_over(&mut self, table: &str, set: &str) -> Result<(), String> {
        let columns = self
            .sets
            .get(set)
            .ok_or_else(|| format!("there is no set `{set}`"))?
            .clone();
        self.columns_of(table)?.extend(columns);
        Ok(())
    }
}

fn begin(name: &str, kind: &str, sources: &str, meaning: &str) -> Result<Table, String> {
    if meaning.is_empty() {
        return Err("a table has a meaning".to_owned());
    }
    Ok(Table {
        name: name.to_owned(),
        rows: match kind {
            "rows" => Rows::All,
            "distinct" => Rows::Distinct,
            _ => return Err(format!("`{kind}` is neither `rows` nor `distinct`")),
        },
        sources: sources.split("; ").map(read_source).collect::<Result<_, _>>()?,
        columns: Vec::new(),
        meaning: meaning.to_owned(),
    })
}

fn read_source(text: &str) -> Result<Source, String> {
    let (entity, rows) = text.split_once(' ').unwrap_or((text, ""));
    let (entity, filter) = match entity.split_once('[') {
        Some((entity, filter)) => {
            let filter = filter.strip_suffix(']').ok_or("a filter ends with `]`")?;
            (entity, Some(Filter::parse(filter)?))
        }
        None => (entity, None),
    };
    if !is_name(entity) {
        return Err(format!("`{entity}` is no entity"));
    }
    Ok(Source {
        entity: entity.to_owned(),
        filter,
        steps: read_steps(rows)?,
    })
}

fn read_steps(rows: &str) -> Result<Vec<RowStep>, String> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let step = |text: &str, each| {
        let path = Path::parse(text.trim_start_matches('.'))?;
        Ok::<_, String>(RowStep { path, each })
    };
    let mut parts: Vec<&str> = rows.split("[]").collect();
    let last = parts.pop().unwrap_or_default();
    let mut steps = parts
        .into_iter()
        .map(|part| step(part, true))
        .collect::<Result<Vec<_>, _>>()?;
    if !last.is_empty() {
        steps.push(step(last, false)?);
    }
    Ok(steps)
}

fn read_column(name: &str, kind: &str, key: &str, path: &str, meaning: &str) -> Result<Column, String> {
    if !is_name(name) {
        return Err(format!("`{name}` is no name"));
    }
    let value = Value::parse(path)?;
    let kind = read_kind(kind)?;
    let is_place = matches!(value, Value::Index | Value::ParentIndex);
    if (kind == Kind::Integer) != is_place {
        return Err(format!("`{name}`: integers are places, and nothing else is"));
    }
    Ok(Column {
        name: name.to_owned(),
        kind,
        is_key: match key {
            "" => false,
            "key" => true,
            _ => return Err(format!("`{key}` is neither `key` nor nothing")),
        },
        value,
        path: path.to_owned(),
        meaning: meaning.to_owned(),
    })
}

fn read_kind(word: &str) -> Result<Kind, String> {
    const KINDS: [Kind; 7] = [
        Kind::Text,
        Kind::Numeric,
        Kind::Date,
        Kind::Timestamptz,
        Kind::Boolean,
        Kind::Integer,
        Kind::Json,
    ];
    let kind = KINDS.into_iter().find(|kind| kind.as_str() == word);
    kind.ok_or_else(|| format!("there is no type `{word}`"))
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "*set\tid\ttext\tkey\tId\t\nsale\t-\trows\t\tsale\tSales.\nsale\t+\t\t\t*set\t\n";

    fn refusal(more: &str) -> String {
        Layout::parse("toy", "toy_", &format!("{GOOD}{more}"), &[])
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_layout_is_what_its_file_says() {
        let more = "line\t-\trows\t\tsale Lines[]\tLines.\nline\tindex\tinteger\tkey\t@index\t\n";
        let layout = Layout::parse("toy", "toy_", &format!("{GOOD}{more}"), &[]).unwrap();
        assert_eq!(layout.tables.len(), 2);
        assert!(layout.tables[0].is_of_records() && !layout.tables[1].is_of_records());
        assert_eq!(layout.tables[0].columns[0].comment(), "Id");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        for (more, said) in [
            ("sale\tid\ttext\t\tId\t\n", "twice"),
            (
                "sale\t-\trows\t\tsale\tSales.\nsale\tid\ttext\tkey\tId\t\n",
                "twice",
            ),
            (
                "sale\tamount\tmoney\t\tAmt\t\n",
                "line 4: there is no type `money`",
            ),
            ("sale\tamount\tnumeric\tpk\tAmt\t\n", "neither `key`"),
            ("sale\tamount\tnumeric\t\tAmt Due\t\n", "no member"),
            ("sale\tamount\tnumeric\t\tAmt\n", "5 fields"),
            ("sale\tplace\ttext\t\t@index\t\n", "integers are places"),
            ("other\tid\ttext\t\tId\t\n", "has not begun"),
            ("sale\t+\t\t\t*none\t\n", "no set"),
            ("bare\t-\trows\t\tsale\tBare.\n", "no key"),
            (
                "line\t-\trows\t\tbill Lines[]\tLines.\nline\tindex\tinteger\tkey\t@index\t\n",
                "its parent `bill`",
            ),
            ("line\t-\tsome\t\tsale\tLines.\n", "neither `rows`"),
            (
                "sale\tamount\tnumeric\t\tA\t\nsale\tamount_text\ttext\t\tB\t\n",
                "exact text",
            ),
        ] {
            let refusal = refusal(more);
            assert!(refusal.contains(said), "{more}: {refusal}");
        }
        let long = "n".repeat(60);
        assert!(refusal(&format!("sale\t{long}\ttext\t\tId\t\n")).contains("longer than"));
        let table = format!("{long}\t-\trows\t\tsale\tLong.\n{long}\tid\ttext\tkey\tId\t\n");
        assert!(refusal(&table).contains("longer than"));
    }
}
