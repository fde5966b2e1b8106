//! Running: a query against a book, and its answer's text.

use std::cmp::Ordering;
use std::time::Duration;

use super::bind::{Projection, Query, bind};
use super::parser::{Direction, parse};
use super::test::Setting;
use super::{Distortion, QueryError, Unservable};
use crate::books::book::{Book, Sight};
use crate::books::entity::Entity;
use crate::books::head::Head;
use crate::books::overlay::View;
use crate::books::scalar::Scalar;
use crate::books::selection::Selection;
use crate::books::{Books, served, text};
use crate::dice::{Dice, topic};
use crate::json::{Json, members};
use crate::pacific::answer_time;
use crate::switches::{Count, EmptyResult, IdOrder, OneRowMore, OrderById, OrderTies, Switches, TotalCount};

/// A statement's answer.
pub(crate) struct Answered {
    pub(crate) body: String,
    /// How long its rows take.
    pub(crate) takes: Duration,
}

/// The body that answers a statement.
pub(crate) fn answer(books: &Books, statement: &str, setting: Setting) -> Result<Answered, QueryError> {
    let run = Run::prepare(books, statement, setting)?;
    let mut json = Json::with_capacity(64 * 1024);
    json.raw("{");
    let rows = run.write(&mut json)?;
    json.text("time", &answer_time(setting.now));
    json.raw("}");
    Ok(Answered {
        body: json.into_string(),
        takes: Duration::from_millis(setting.distortion.millis_per_row.saturating_mul(rows)),
    })
}

/// A statement that will be answered.
pub(crate) struct Run<'books> {
    books: &'books Books,
    book: &'books Book,
    query: Query,
    setting: Setting,
    /// The statement's number: two statements have two.
    topic: u64,
}

impl<'books> Run<'books> {
    /// Refuses a statement that cannot be read, makes no sense, or is about what the company does not have.
    pub(crate) fn prepare(
        books: &'books Books,
        statement: &str,
        setting: Setting,
    ) -> Result<Self, QueryError> {
        let topic = topic(statement);
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
            topic,
        })
    }

    pub(crate) fn entity(&self) -> &'static Entity {
        self.book.entity
    }

    /// Writes the member `QueryResponse` and tells how many rows it has, or refuses before anything is written.
    pub(crate) fn write(&self, json: &mut Json) -> Result<u64, QueryError> {
        let sight = self
            .book
            .look(&self.books.blueprint, View::At(self.setting.now.timestamp()));
        let selection = select(&sight, &self.query);
        if self.query.projection == Projection::Count {
            let counted = match self.setting.switches.count {
                Count::Answered | Count::Refused => selection.len(),
                Count::Wrong => selection.len() + 1,
                Count::High => selection.len() * 40 + 5_000,
                Count::Low => selection.len() / 40,
            };
            json.object("QueryResponse", |json| json.value("totalCount", counted));
            return Ok(0);
        }
        let ordered = arrange(&sight, &self.query, self.lie(), selection);
        let page = Page::turn(&sight, self, &ordered)?;
        json.object("QueryResponse", |json| page.write(json));
        Ok(u64::try_from(page.heads.len()).unwrap_or(u64::MAX))
    }

    /// How rows lie that the order leaves open.
    fn lie(&self) -> Lie {
        let switches = &self.setting.switches;
        let seed = self.books.blueprint.seed;
        Lie {
            ids: switches.id_order,
            shuffle: match (switches.order_by_id, switches.order_ties) {
                (OrderById::Sorted, _) => None,
                (_, OrderTies::Settled) => Some(seed),
                (_, OrderTies::ByPage) => Some(seed ^ self.topic),
                (_, OrderTies::ByAnswer) => Some(seed ^ self.setting.answer.rotate_left(32)),
            },
        }
    }
}

/// What decides where the order does not.
#[derive(Debug, Clone, Copy)]
struct Lie {
    /// How ids compare where they are asked to sort.
    ids: IdOrder,
    /// The key of the chance that decides; without one ids do.
    shuffle: Option<u64>,
}

impl Lie {
    fn of(self, ordinal: u64) -> u64 {
        self.shuffle
            .map_or(ordinal, |key| Dice::new(key, topic("ties"), ordinal).next())
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

fn arrange(sight: &Sight<'_>, query: &Query, lie: Lie, selection: Selection) -> Selection {
    let by_ids = lie.ids == IdOrder::Number && lie.shuffle.is_none();
    if by_ids && lies_so_already(query, &selection) {
        return selection;
    }
    let key = |ordinal: u64| -> (u64, Vec<Scalar>) {
        let read = |head: &Head| {
            let terms = query.order.iter();
            terms
                .map(|(property, _)| match (property.name, lie.ids) {
                    ("Id", IdOrder::Text) => Scalar::Text(head.id().to_string()),
                    _ => property.read(sight.blueprint, head),
                })
                .collect()
        };
        (
            ordinal,
            sight.head(ordinal).as_ref().map(read).unwrap_or_default(),
        )
    };
    let mut keyed: Vec<(u64, Vec<Scalar>)> = selection.iter().map(key).collect();
    keyed.sort_by(|(one, left), (other, right)| {
        let by_term = left
            .iter()
            .zip(right)
            .zip(&query.order)
            .map(|((left, right), (_, direction))| match direction {
                Direction::Ascending => left.order(right),
                Direction::Descending => right.order(left),
            });
        by_term
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| lie.of(*one).cmp(&lie.of(*other)))
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

/// The rows that a page has.
struct Page<'run> {
    sight: &'run Sight<'run>,
    entity: &'static Entity,
    query: &'run Query,
    setting: Setting,
    heads: Vec<Head>,
    /// How many rows the whole result has, if the page holds all of them.
    complete: Option<u64>,
}

impl<'run> Page<'run> {
    /// Takes the page's rows, unless upstream cannot serve them.
    fn turn(sight: &'run Sight<'run>, run: &'run Run<'_>, rows: &Selection) -> Result<Self, QueryError> {
        let (query, setting) = (&run.query, run.setting);
        let most = most_rows(query, &setting.switches);
        let Distortion {
            short, empty, repeat, ..
        } = setting.distortion;
        let passed = (query.start - 1).saturating_sub(repeat);
        let count = if empty {
            0
        } else {
            most.min(short.unwrap_or(u64::MAX))
        };
        let heads: Vec<Head> = rows
            .slice(passed, count)
            .filter_map(|row| sight.head(row))
            .collect();
        match refusal(&heads, setting.distortion) {
            Some(unservable) => Err(QueryError::Unservable(unservable)),
            None => Ok(Self {
                sight,
                entity: run.book.entity,
                query,
                setting,
                heads,
                complete: (query.start == 1 && rows.len() <= most).then(|| rows.len()),
            }),
        }
    }

    /// A page without rows is an empty object: clients rely on the entity's key being absent.
    fn write(&self, json: &mut Json) {
        if self.heads.is_empty() {
            if self.setting.switches.empty_result == EmptyResult::Zeros {
                json.raw_member(r#""startPosition":0,"maxResults":0"#);
            }
            return;
        }
        json.array(self.entity.rows_key(), |json| {
            let mut record = Json::with_capacity(4096);
            for head in &self.heads {
                self.write_record(head, &mut record, json);
            }
        });
        json.value("startPosition", self.query.start);
        json.value("maxResults", self.heads.len());
        if let (Some(total), TotalCount::Present) = (self.complete, self.setting.switches.total_count) {
            json.value("totalCount", total);
        }
    }

    fn write_record(&self, head: &Head, record: &mut Json, json: &mut Json) {
        let plan = self.sight.blueprint;
        if self.query.projection == Projection::Whole {
            text::serve(plan, self.entity, head, self.setting.showing(), json);
            return;
        }
        record.clear();
        text::serve(plan, self.entity, head, self.setting.showing(), record);
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

/// The most rows that a page has, whatever faults make of it.
fn most_rows(query: &Query, switches: &Switches) -> u64 {
    let most = query.max.min(switches.rows_at_most.unwrap_or(u64::MAX));
    most + u64::from(switches.one_row_more == OneRowMore::On)
}

/// What is answered instead of rows of which one cannot be served, or that are too many.
fn refusal(heads: &[Head], distortion: Distortion) -> Option<Unservable> {
    let rows = u64::try_from(heads.len()).unwrap_or(u64::MAX);
    let too_large = distortion.too_large.filter(|(most, _)| rows > *most);
    let spoilt = heads.iter().find_map(|head| head.spoilt).map(Unservable::from);
    too_large.map(|(_, unservable)| unservable).or(spoilt)
}

fn projected(record: &str, kept: impl Fn(&str) -> bool) -> String {
    let parts: Vec<&str> = members(record)
        .into_iter()
        .filter(|(key, _)| kept(key))
        .map(|(_, text)| text)
        .collect();
    format!("{{{}}}", parts.join(","))
}
