//! The truth: what a complete and correct copy of a resource must hold. Computed here, independently of any reader.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, TimeZone};
use chrono_tz::Tz;

use super::books::amount::plain;
use super::books::overlay::View;
use super::books::{Record, Sight, dated};
use super::firm::Firm;
use super::records::{Pen, card, text as text_of_record, total};
use super::resource::{self, Resource, Version};
use super::switches::ContificoSwitches;
use crate::books::truth::{Axis, TruthError, TruthFilter, TruthLine, TruthTotal};

/// A resource in the form of one version, and what is asked of it.
#[derive(Clone)]
pub(crate) struct Question {
    resource: &'static Resource,
    version: Version,
    axis: Axis,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    zone: Tz,
    wants_deleted: bool,
}

/// Reads a question. `products@v2` asks for the form of version 2; without it each resource has a form of its own.
pub(crate) fn open(entity: &str, filter: &TruthFilter) -> Result<Question, TruthError> {
    let unknown = || TruthError::Entity(entity.to_owned());
    let (name, version) = match entity.split_once('@') {
        None => (entity, None),
        Some((name, "v1")) => (name, Some(Version::V1)),
        Some((name, "v2")) => (name, Some(Version::V2)),
        Some(_) => return Err(unknown()),
    };
    let resource = resource::named(name).ok_or_else(unknown)?;
    let version = version.unwrap_or(resource.told);
    resource.side(version).ok_or_else(unknown)?;
    let zone = filter.tz.as_deref().unwrap_or("UTC");
    let zone = Tz::from_str(zone).map_err(|_| TruthError::Zone(zone.to_owned()))?;
    if filter.deleted.is_some_and(|deleted| deleted > 1) {
        return Err(TruthError::Deleted);
    }
    let asks_dates = filter.by == Some(Axis::TxnDate)
        || (filter.by.is_none() && (filter.from.is_some() || filter.to.is_some()));
    if asks_dates && !dated(resource.table) {
        return Err(TruthError::NoDate(resource.name));
    }
    Ok(Question {
        resource,
        version,
        axis: filter.by.unwrap_or(Axis::TxnDate),
        from: filter.from,
        to: filter.to,
        zone,
        wants_deleted: filter.deleted == Some(1),
    })
}

/// Hands over every line of the truth; stops when the taker returns false.
pub(crate) fn stream(
    firm: &Firm,
    question: &Question,
    switches: ContificoSwitches,
    take: &mut dyn FnMut(TruthLine) -> bool,
) {
    let sight = firm.books.look(View::Newest);
    let pen = question.pen(&sight, switches);
    if question.wants_deleted {
        for (record, at) in question.gone(&pen) {
            let gone = TruthLine {
                deleted_at: Some(utc(at)),
                ..line(&pen, &record)
            };
            if !take(gone) {
                return;
            }
        }
        return;
    }
    for ordinal in question.ordinals(&sight) {
        let live = sight.record(question.resource.table, ordinal);
        let live = live.filter(|record| question.wants(&pen, record));
        if live.is_some_and(|record| !take(line(&pen, &record))) {
            return;
        }
    }
}

/// How many records each resource has and what they come to. Dates of documents narrow documents only.
pub(crate) fn counts(
    firm: &Firm,
    filter: &TruthFilter,
    switches: ContificoSwitches,
) -> Result<Vec<TruthTotal>, TruthError> {
    let undated = TruthFilter {
        by: None,
        from: None,
        to: None,
        ..filter.clone()
    };
    let sight = firm.books.look(View::Newest);
    let count = |resource: &Resource| {
        let question = match open(resource.name, filter) {
            Err(TruthError::NoDate(_)) => open(resource.name, &undated),
            question => question,
        }?;
        let pen = question.pen(&sight, switches);
        let mut counted = TruthTotal {
            entity: resource.name.to_owned(),
            rows: 0,
            total: None,
            deleted: u64::try_from(question.gone(&pen).len()).unwrap_or(u64::MAX),
        };
        let mut sum = None;
        for ordinal in question.ordinals(&sight) {
            let live = sight.record(resource.table, ordinal);
            if let Some(record) = live.filter(|record| question.wants(&pen, record)) {
                counted.rows += 1;
                sum = total(&pen, &record).map(|total| total + sum.unwrap_or(0)).or(sum);
            }
        }
        counted.total = sum.map(plain);
        Ok(counted)
    };
    resource::ALL.iter().map(count).collect()
}

/// The complete text of the record of that id.
pub(crate) fn text(
    firm: &Firm,
    question: &Question,
    id: &str,
    switches: ContificoSwitches,
) -> Option<String> {
    let sight = firm.books.look(View::Newest);
    let pen = question.pen(&sight, switches);
    let table = question.resource.table;
    let record = sight.find(table, id).or_else(|| {
        let live = question.ordinals(&sight).into_iter();
        live.filter_map(|ordinal| sight.record(table, ordinal))
            .find(|record| identity(&pen, record) == id)
    });
    Some(text_of_record(&pen, &record?))
}

impl Question {
    fn pen<'sight>(&self, sight: &'sight Sight<'sight>, switches: ContificoSwitches) -> Pen<'sight> {
        Pen {
            sight,
            version: self.version,
            switches,
        }
    }

    fn ordinals(&self, sight: &Sight<'_>) -> Vec<u64> {
        match self.axis {
            Axis::TxnDate => sight.ordinals(self.resource.table, self.from, self.to),
            Axis::Created | Axis::Updated => sight.ordinals(self.resource.table, None, None),
        }
    }

    fn wants(&self, pen: &Pen<'_>, record: &Record) -> bool {
        let day = match self.axis {
            Axis::TxnDate => record.date,
            Axis::Created => self.day(record.created),
            Axis::Updated => self.day(record.changed),
        };
        let within = day
            .is_none_or(|day| self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to));
        let register = self.resource.register;
        within && register.is_none_or(|register| card(pen, record).register == register)
    }

    fn day(&self, instant: i64) -> Option<NaiveDate> {
        let local = self.zone.timestamp_opt(instant, 0).single()?;
        Some(local.date_naive())
    }

    /// What is gone and when: records, and ids under which records were known before they were issued anew.
    fn gone(&self, pen: &Pen<'_>) -> Vec<(Record, i64)> {
        let table = self.resource.table;
        let mut gone = Vec::new();
        for ordinal in pen.sight.touched(table) {
            let record = pen.sight.former(table, ordinal);
            if !self.wants(pen, &record) {
                continue;
            }
            for (generation, at) in (0..).zip(&record.state.replaced) {
                let mut former = record.clone();
                former.state.generation = generation;
                gone.push((former, *at));
            }
            if let Some(at) = record.state.deleted {
                gone.push((record, at));
            }
        }
        gone
    }
}

/// The id, or where it is not told the name by which the record is known.
fn identity(pen: &Pen<'_>, record: &Record) -> String {
    if pen.hides_ids(record.table) {
        card(pen, record).code
    } else {
        pen.id_of(record)
    }
}

fn line(pen: &Pen<'_>, record: &Record) -> TruthLine {
    let text = text_of_record(pen, record);
    TruthLine {
        id: identity(pen, record),
        version: record.state.versions.to_string(),
        created_at: utc(record.created),
        updated_at: utc(record.changed),
        date: record.date,
        hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        total: total(pen, record).map(plain),
        deleted_at: None,
    }
}

fn utc(seconds: i64) -> String {
    let instant = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
