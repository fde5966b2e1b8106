//! Running: a query against a book, and its answer's text.

use super::QueryError;
use super::bind::{Projection, Query, bind};
use super::parser::{Direction, parse};
use super::test::Setting;
use crate::books::Books;
use crate::books::book::{Book, Sight};
use crate::books::entity::Scalar;
use crate::books::head::Head;
use crate::books::overlay::View;
use crate::books::selection::Selection;
use crate::json::{Json, members};
use crate::pacific::answer_time;
use crate::switches::{Switches, TotalCount};

/// The body that answers a statement.
pub(crate) fn answer(
    books: &Books,
    statement: &str,
    now: chrono::DateTime<chrono::Utc>,
    switches: Switches,
) -> Result<String, QueryError> {
    let setting = Setting { now, switches };
    let statement = parse(statement)?;
    let book = books
        .book(&statement.entity)
        .filter(|book| book.entity.api.eq_ignore_ascii_case(&statement.entity));
    let book = book.ok_or_else(|| {
        QueryError::Validation(format!("Metadata not found for Entity: {}", statement.entity))
    })?;
    let query = bind(book.entity, &statement, setting)?;
    let sight = book.look(&books.blueprint, View::At(now.timestamp()));
    let selection = select(&sight, &query);
    let mut json = Json::with_capacity(64 * 1024);
    json.element(|json| {
        json.object("QueryResponse", |json| {
            if query.projection == Projection::Count {
                json.value("totalCount", selection.len());
            } else {
                let ordered = arrange(&sight, &query, selection);
                write_page(
                    &Page {
                        sight: &sight,
                        book,
                        query: &query,
                        rows: &ordered,
                        switches,
                    },
                    json,
                );
            }
        });
        json.text("time", &answer_time(now));
    });
    Ok(json.into_string())
}

/// The records that a query means, in the order of their ids.
fn select(sight: &Sight<'_>, query: &Query) -> Selection {
    let candidates = sight.select(&query.bounds);
    if query.tests.is_empty() {
        return candidates;
    }
    let holds = |ordinal: &u64| {
        sight
            .head(*ordinal)
            .is_some_and(|head| query.tests.iter().all(|test| test.holds(sight.blueprint, &head)))
    };
    Selection::List(candidates.iter().filter(holds).collect())
}

fn arrange(sight: &Sight<'_>, query: &Query, selection: Selection) -> Selection {
    if lies_so_already(query, &selection) {
        return selection;
    }
    let key = |ordinal: u64| -> (u64, Vec<Scalar>) {
        let read = |head: &Head| {
            query
                .order
                .iter()
                .map(|(property, _)| (property.read)(sight.blueprint, head))
                .collect()
        };
        (
            ordinal,
            sight.head(ordinal).as_ref().map(read).unwrap_or_default(),
        )
    };
    let mut keyed: Vec<(u64, Vec<Scalar>)> = selection.iter().map(key).collect();
    // Stable: what the order leaves open stays in the order of ids.
    keyed.sort_by(|(_, left), (_, right)| {
        let by_term = left
            .iter()
            .zip(right)
            .zip(&query.order)
            .map(|((left, right), (_, direction))| match direction {
                Direction::Ascending => left.order(right),
                Direction::Descending => right.order(left),
            });
        by_term.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    Selection::List(keyed.into_iter().map(|(ordinal, _)| ordinal).collect())
}

/// Selections come in the order of ids; untouched documents thereby also in the order of their dates.
fn lies_so_already(query: &Query, selection: &Selection) -> bool {
    let names: Vec<&str> = query.order.iter().map(|(property, _)| property.name).collect();
    let ascending = query
        .order
        .iter()
        .all(|(_, direction)| *direction == Direction::Ascending);
    match (names.as_slice(), selection) {
        ([], _) => true,
        (["Id"], _) | (["TxnDate"] | ["TxnDate", "Id"], Selection::Range(_)) => ascending,
        _ => false,
    }
}

struct Page<'run> {
    sight: &'run Sight<'run>,
    book: &'run Book,
    query: &'run Query,
    rows: &'run Selection,
    switches: Switches,
}

/// A page without rows is an empty object: clients rely on the entity's key being absent.
fn write_page(page: &Page<'_>, json: &mut Json) {
    let first = page.query.start - 1;
    let heads: Vec<Head> = page
        .rows
        .slice(first, page.query.max)
        .filter_map(|row| page.sight.head(row))
        .collect();
    if heads.is_empty() {
        return;
    }
    json.array(page.book.entity.answer_key, |json| {
        let mut record = Json::with_capacity(4096);
        for head in &heads {
            json.comma();
            write_record(page, head, &mut record, json);
        }
    });
    json.value("startPosition", page.query.start);
    json.value("maxResults", heads.len());
    let complete = page.query.start == 1 && page.rows.len() <= page.query.max;
    if complete && page.switches.total_count == TotalCount::WhenComplete {
        json.value("totalCount", heads.len());
    }
}

fn write_record(page: &Page<'_>, head: &Head, record: &mut Json, json: &mut Json) {
    record.clear();
    record.element(|record| (page.book.entity.write)(page.sight.blueprint, head, record));
    match &page.query.projection {
        Projection::Count | Projection::Whole => json.raw(record.as_str()),
        Projection::Members(named) => {
            let kept = |key: &str| named.contains(&key.to_lowercase()) || matches!(key, "domain" | "sparse");
            json.raw(&projected(record.as_str(), kept));
        }
        Projection::Without(hidden) => json.raw(&projected(record.as_str(), |key| !hidden.contains(&key))),
    }
}

fn projected(record: &str, kept: impl Fn(&str) -> bool) -> String {
    let parts: Vec<&str> = members(record)
        .into_iter()
        .filter(|(key, _)| kept(key))
        .map(|(_, text)| text)
        .collect();
    format!("{{{}}}", parts.join(","))
}
