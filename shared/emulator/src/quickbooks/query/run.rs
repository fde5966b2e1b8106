//! Running: a query against a book, and its answer's text.

use super::bind::{Projection, Query, bind};
use super::parser::{Direction, parse};
use super::test::Setting;
use super::{Distortion, QueryError};
use crate::books::book::{Book, Sight};
use crate::books::entity::Entity;
use crate::books::head::Head;
use crate::books::overlay::View;
use crate::books::property::Scalar;
use crate::books::selection::Selection;
use crate::books::{Books, served, text};
use crate::json::{Json, members};
use crate::pacific::answer_time;
use crate::switches::{EmptyResult, IdOrder, TotalCount};

/// The body that answers a statement.
pub(crate) fn answer(books: &Books, statement: &str, setting: Setting) -> Result<String, QueryError> {
    let run = Run::prepare(books, statement, setting)?;
    let mut json = Json::with_capacity(64 * 1024);
    json.element(|json| {
        run.write(json);
        json.text("time", &answer_time(setting.now));
    });
    Ok(json.into_string())
}

/// A statement that will be answered.
pub(crate) struct Run<'books> {
    books: &'books Books,
    book: &'books Book,
    query: Query,
    setting: Setting,
}

impl<'books> Run<'books> {
    /// Refuses a statement that cannot be read, makes no sense, or is about what the company does not have.
    pub(crate) fn prepare(
        books: &'books Books,
        statement: &str,
        setting: Setting,
    ) -> Result<Self, QueryError> {
        let statement = parse(statement)?;
        let book = books
            .book(&statement.entity)
            .filter(|book| book.entity.api.eq_ignore_ascii_case(&statement.entity))
            .ok_or_else(|| no_such_entity(&statement.entity))?;
        match served::refusal(&books.blueprint, book.entity, &setting.switches) {
            Some(4001) => return Err(no_such_entity(book.entity.api)),
            Some(code) => return Err(QueryError::Refused(code)),
            None => {}
        }
        let query = bind(book.entity, &statement, setting)?;
        Ok(Self {
            books,
            book,
            query,
            setting,
        })
    }

    pub(crate) fn entity(&self) -> &'static Entity {
        self.book.entity
    }

    /// Writes the member `QueryResponse`.
    pub(crate) fn write(&self, json: &mut Json) {
        let sight = self
            .book
            .look(&self.books.blueprint, View::At(self.setting.now.timestamp()));
        let selection = select(&sight, &self.query);
        json.object("QueryResponse", |json| {
            if self.query.projection == Projection::Count {
                json.value("totalCount", selection.len());
                return;
            }
            let ordered = arrange(&sight, &self.query, self.setting.switches.id_order, selection);
            let page = Page {
                sight: &sight,
                entity: self.book.entity,
                query: &self.query,
                rows: &ordered,
                setting: self.setting,
            };
            page.write(json);
        });
    }
}

fn no_such_entity(name: &str) -> QueryError {
    QueryError::Validation(format!("Metadata not found for Entity: {name}"))
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

fn arrange(sight: &Sight<'_>, query: &Query, ids: IdOrder, selection: Selection) -> Selection {
    if ids == IdOrder::Number && lies_so_already(query, &selection) {
        return selection;
    }
    let key = |ordinal: u64| -> (u64, Vec<Scalar>) {
        let read = |head: &Head| {
            let terms = query.order.iter();
            terms
                .map(|(property, _)| match (property.name, ids) {
                    ("Id", IdOrder::Text) => Scalar::Text(head.id().to_string()),
                    _ => (property.read)(sight.blueprint, head),
                })
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
    entity: &'static Entity,
    query: &'run Query,
    rows: &'run Selection,
    setting: Setting,
}

impl Page<'_> {
    /// A page without rows is an empty object: clients rely on the entity's key being absent.
    fn write(&self, json: &mut Json) {
        let heads = self.heads();
        if heads.is_empty() {
            if self.setting.switches.empty_result == EmptyResult::Zeros {
                json.raw_member(r#""startPosition":0,"maxResults":0"#);
            }
            return;
        }
        json.array(self.entity.rows_key(), |json| {
            let mut record = Json::with_capacity(4096);
            for head in &heads {
                self.write_record(head, &mut record, json);
            }
        });
        json.value("startPosition", self.query.start);
        json.value("maxResults", heads.len());
        let complete = self.query.start == 1 && self.rows.len() <= self.query.max;
        if complete && self.setting.switches.total_count == TotalCount::WhenComplete {
            json.value("totalCount", self.rows.len());
        }
    }

    fn heads(&self) -> Vec<Head> {
        let Distortion { short, empty, repeat } = self.setting.distortion;
        let passed = (self.query.start - 1).saturating_sub(repeat);
        let count = if empty {
            0
        } else {
            self.query.max.min(short.unwrap_or(u64::MAX))
        };
        let rows = self.rows.slice(passed, count);
        rows.filter_map(|row| self.sight.head(row)).collect()
    }

    fn write_record(&self, head: &Head, record: &mut Json, json: &mut Json) {
        let plan = self.sight.blueprint;
        if self.query.projection == Projection::Whole {
            text::serve(plan, self.entity, head, self.setting.answer, json);
            return;
        }
        record.clear();
        text::serve(plan, self.entity, head, self.setting.answer, record);
        json.comma();
        match &self.query.projection {
            Projection::Count | Projection::Whole => {}
            Projection::Members(named) => {
                let kept =
                    |key: &str| named.contains(&key.to_lowercase()) || matches!(key, "domain" | "sparse");
                json.raw(&projected(record.as_str(), kept));
            }
            Projection::Without(hidden) => {
                json.raw(&projected(record.as_str(), |key| !hidden.contains(&key)));
            }
        }
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
