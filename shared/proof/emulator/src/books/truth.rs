//! The truth: what a complete and correct copy of a book must hold. Computed here, independently of any reader.

use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::blueprint::Blueprint;
use super::book::{Book, Sight};
use super::bounds::{Bounds, Span};
use super::entity::Entity;
use super::head::Head;
use super::overlay::View;
use super::text::Fields;
use super::{served, text};
use crate::json::Json;
use crate::money::Money;
use crate::switches::Switches;

/// One record of the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthLine {
    /// The record's id.
    pub id: String,
    /// Its `SyncToken`.
    pub version: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// The document's date; none for lists.
    pub date: Option<NaiveDate>,
    /// BLAKE3-256 in hex of the complete record's JSON text without insignificant whitespace.
    pub hash: String,
    /// The control total with two decimals: an invoice's `TotalAmt`, the debits of a journal entry; none for lists.
    pub total: Option<String>,
    /// When a mutation deleted it; only among the deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
}

/// What all records of an entity come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthTotal {
    /// The entity's name.
    pub entity: String,
    /// How many live records there are.
    pub rows: u64,
    /// The sum of their control totals with two decimals, whatever their currencies; none for entities without any.
    pub total: Option<String>,
    /// How many records mutations deleted.
    pub deleted: u64,
}

/// Which records of a book are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthFilter {
    /// The axis of `from` and `to`; the document date unless given.
    #[serde(default)]
    pub by: Option<Axis>,
    /// The first date, included.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// The last date, included.
    #[serde(default)]
    pub to: Option<NaiveDate>,
    /// The zone whose days count on the axes of instants; UTC unless given.
    #[serde(default)]
    pub tz: Option<String>,
    /// `1` for the deleted records instead of the live ones.
    #[serde(default)]
    pub deleted: Option<u8>,
}

/// What a date range is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The document's own date.
    #[serde(alias = "txn_date")]
    TxnDate,
    /// The instant of creation.
    Created,
    /// The instant of the last update.
    Updated,
}

/// A filter that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TruthError {
    /// No such company.
    #[error("there is no company `{0}`")]
    Company(String),
    /// No such entity.
    #[error("there is no entity `{0}`")]
    Entity(String),
    /// A list has no document dates.
    #[error("a {0} has no document date: filter with by=created or by=updated")]
    NoDate(&'static str),
    /// Not a zone of the IANA database.
    #[error("there is no time zone `{0}`")]
    Zone(String),
    /// Neither 0 nor 1.
    #[error("`deleted` is 0 or 1")]
    Deleted,
}

impl TruthFilter {
    pub(crate) fn bounds(&self, entity: &Entity) -> Result<Bounds, TruthError> {
        let zone = self.tz.as_deref().unwrap_or("UTC");
        let zone = Tz::from_str(zone).map_err(|_| TruthError::Zone(zone.to_owned()))?;
        if self.deleted.is_some_and(|deleted| deleted > 1) {
            return Err(TruthError::Deleted);
        }
        let mut bounds = Bounds::default();
        let instants = Span {
            from: self.from.map(|date| start_of(date, zone)),
            to: self
                .to
                .map(|date| start_of(date.succ_opt().unwrap_or(date), zone) - 1),
        };
        match self.by.unwrap_or(Axis::TxnDate) {
            Axis::Created => bounds.created = instants,
            Axis::Updated => bounds.updated = instants,
            Axis::TxnDate if entity.is_dated() => {
                bounds.dates = Span {
                    from: self.from,
                    to: self.to,
                }
            }
            Axis::TxnDate if self.by.is_some() || self.from.is_some() || self.to.is_some() => {
                return Err(TruthError::NoDate(entity.name));
            }
            Axis::TxnDate => {}
        }
        Ok(bounds)
    }

    pub(crate) fn wants_deleted(&self) -> bool {
        self.deleted == Some(1)
    }
}

/// Counts an entity. Dates of documents narrow documents only: a list is counted whole.
pub(crate) fn count(
    plan: &Blueprint,
    book: &Book,
    filter: &TruthFilter,
    switches: &Switches,
) -> Result<TruthTotal, TruthError> {
    let entity = book.entity;
    let bounds = match filter.bounds(entity) {
        Err(TruthError::NoDate(_)) => Bounds::default(),
        bounds => bounds?,
    };
    let mut counted = TruthTotal {
        entity: entity.name.to_owned(),
        rows: 0,
        total: None,
        deleted: 0,
    };
    if served::refusal(plan, entity, switches).is_some() {
        return Ok(counted);
    }
    let sight = book.look(plan, View::Newest);
    let mut sum = None;
    for ordinal in sight.select(&bounds).iter() {
        if let Some(head) = sight.head(ordinal).filter(|head| within(&bounds, head, entity)) {
            counted.rows += 1;
            sum = entity
                .total(plan, &head)
                .map(|total| total + sum.unwrap_or(Money::ZERO))
                .or(sum);
        }
    }
    let deleted = sight.deleted().into_iter();
    counted.deleted = deleted
        .filter(|(head, _)| within(&bounds, head, entity))
        .map(|_| 1)
        .sum();
    counted.total = sum.map(Money::plain);
    Ok(counted)
}

/// Hands over every line of the truth; stops when the taker returns false.
pub(crate) fn tell(
    plan: &Blueprint,
    book: &Book,
    filter: &TruthFilter,
    bounds: &Bounds,
    switches: &Switches,
    take: &mut dyn FnMut(TruthLine) -> bool,
) {
    if served::refusal(plan, book.entity, switches).is_some() {
        return;
    }
    let fields = Fields::existing(switches);
    let sight = book.look(plan, View::Newest);
    if filter.wants_deleted() {
        for (head, at) in sight.deleted() {
            if within(bounds, &head, book.entity) {
                let line = TruthLine {
                    deleted_at: Some(utc(at)),
                    ..line(plan, book.entity, &head, fields)
                };
                if !take(line) {
                    return;
                }
            }
        }
        return;
    }
    tell_live(&sight, book, (bounds, fields), take);
}

fn tell_live(
    sight: &Sight<'_>,
    book: &Book,
    (bounds, fields): (&Bounds, Fields),
    take: &mut dyn FnMut(TruthLine) -> bool,
) {
    for ordinal in sight.select(bounds).iter() {
        let head = sight
            .head(ordinal)
            .filter(|head| within(bounds, head, book.entity));
        if head.is_some_and(|head| !take(line(sight.blueprint, book.entity, &head, fields))) {
            return;
        }
    }
}

fn within(bounds: &Bounds, head: &Head, entity: &Entity) -> bool {
    let dated = !entity.is_dated() || bounds.dates.includes(head.date);
    dated && bounds.created.includes(head.created) && bounds.updated.includes(head.updated)
}

fn line(plan: &Blueprint, entity: &Entity, head: &Head, fields: Fields) -> TruthLine {
    TruthLine {
        id: entity.id(plan, head),
        version: head.version.to_string(),
        created_at: utc(head.created),
        updated_at: utc(head.updated),
        date: entity.is_dated().then_some(head.date),
        hash: record_hash(plan, entity, head, fields),
        total: entity.total(plan, head).map(Money::plain),
        deleted_at: None,
    }
}

/// The writer leaves no insignificant whitespace, so that the record's text is what is hashed.
fn record_hash(plan: &Blueprint, entity: &Entity, head: &Head, fields: Fields) -> String {
    let text = record_text(plan, entity, head, fields);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn record_text(plan: &Blueprint, entity: &Entity, head: &Head, fields: Fields) -> String {
    let mut json = Json::with_capacity(2048);
    text::write(plan, entity, head, fields, &mut json);
    json.into_string()
}

/// The complete text of the record of that id, if there is one.
pub(crate) fn text_of(plan: &Blueprint, book: &Book, id: &str, switches: &Switches) -> Option<String> {
    let head = book.look(plan, View::Newest).find(id)?;
    Some(record_text(plan, book.entity, &head, Fields::existing(switches)))
}

fn utc(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// The first instant of a date in a zone, in Unix seconds; some days begin an hour late.
fn start_of(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN);
    let instants = [0, 30, 60, 90, 120, 1440].map(|minutes| midnight + TimeDelta::minutes(minutes));
    let first = instants
        .iter()
        .find_map(|local| match zone.from_local_datetime(local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.timestamp()),
            LocalResult::None => None,
        });
    first.unwrap_or_else(|| midnight.and_utc().timestamp())
}
