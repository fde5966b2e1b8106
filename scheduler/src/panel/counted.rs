//! Counted: what the source has counted while windows were read, beside the rows that were read. It is kept with the coverage,
//! and costs no call to know.

use chrono::NaiveDate;
use serde::Deserialize;

use super::Panel;
use super::inside::Trouble;
use super::shell::encoded;
use super::visit::Visit;

/// Pages of the API that are summed up at most.
const PAGES: u32 = 20;

/// A window as the API tells it.
#[derive(Deserialize)]
struct Window {
    connection: String,
    entity: String,
    rows: u64,
    source_count: Option<u64>,
}

#[derive(Deserialize)]
struct Windows {
    items: Vec<Window>,
    next: Option<String>,
}

/// An entity of a company.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) connection: String,
    pub(super) entity: String,
    /// Rows of windows that the source has counted, and its count of them.
    pub(super) rows: u64,
    pub(super) source: u64,
    /// Rows of windows that it was not asked to count, or could not.
    pub(super) uncounted: u64,
    /// Windows whose numbers differ.
    pub(super) differing: u64,
}

impl Counted {
    /// The name of its state in the style sheet.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self { differing: 1.., .. } => "partial",
            Self { uncounted: 1.., .. } => "unproven",
            _ => "done",
        }
    }

    /// The meaning of the text that says so.
    pub(super) fn word(&self) -> &'static str {
        match self.class() {
            "partial" => "counted.differs",
            "unproven" => "counted.unproven",
            _ => "counted.ties",
        }
    }

    fn add(&mut self, window: &Window) {
        match window.source_count {
            None => self.uncounted += window.rows,
            Some(count) => {
                self.rows += window.rows;
                self.source += count;
                self.differing += u64::from(count != window.rows);
            }
        }
    }
}

/// The entities of all companies in these days, and whether there are more windows than were summed up.
pub(super) async fn counted(
    panel: &Panel,
    visit: &Visit,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<(Vec<Counted>, bool), Trouble> {
    let mut sums: Vec<Counted> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let path = format!("/api/v1/coverage?from={from}&to={to}&limit=1000{cursor}");
        let Windows { items, next } = panel.inside.get(visit.caller()?, &path).await?;
        for window in &items {
            sum(&mut sums, window);
        }
        let Some(next) = next else {
            return Ok((sums, false));
        };
        cursor = format!("&cursor={}", encoded(&next));
    }
    Ok((sums, true))
}

/// Windows come by company and entity.
fn sum(sums: &mut Vec<Counted>, window: &Window) {
    let is_of = |known: &Counted| known.connection == window.connection && known.entity == window.entity;
    if !sums.last().is_some_and(is_of) {
        sums.push(Counted {
            connection: window.connection.clone(),
            entity: window.entity.clone(),
            ..Counted::default()
        });
    }
    if let Some(last) = sums.last_mut() {
        last.add(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_summed_by_entity_and_one_that_differs_is_not_hidden_by_another() {
        let window = |entity: &str, rows, source_count| Window {
            connection: "acme".to_owned(),
            entity: entity.to_owned(),
            rows,
            source_count,
        };
        let mut sums = Vec::new();
        for one in [
            window("bill", 3, Some(4)),
            window("bill", 5, Some(4)),
            window("invoice", 2, Some(2)),
            window("invoice", 7, None),
            window("payment", 1, None),
        ] {
            sum(&mut sums, &one);
        }
        let told: Vec<_> = sums
            .iter()
            .map(|one| (one.rows, one.source, one.uncounted, one.word()))
            .collect();
        assert_eq!(
            told,
            [
                (8, 8, 0, "counted.differs"),
                (2, 2, 7, "counted.unproven"),
                (0, 0, 1, "counted.unproven")
            ]
        );
    }
}
