//! Record: what is read out of a row, whose text is kept. Amounts are not read at all: they stay as they are written, as
//! texts or as numbers, to the last digit.

use chrono::NaiveDate;
use ledgerfleet_model::{Failure, QuarantineReason, Quarantined, Record, Served};
use serde_json::value::RawValue;

use super::answers::malformed;
use super::days;
use super::source::source;
use crate::EntitySpec;
use crate::http::Answer;
use crate::json::{Members, compact};
use crate::limits::obstacle;
use crate::text::Text;

/// The most bytes of an id.
const LONGEST_ID: usize = 255;

/// The member of the few records that tell when they were changed.
const CHANGED: &str = "fecha_modificacion";

/// Reads a row. What is no object is no row at all, and a failure of the whole answer; a record that cannot be stored as
/// it is goes to quarantine.
pub(super) fn served(
    answer: &Answer,
    text: &Text<'_>,
    row: &RawValue,
    entity: &EntitySpec,
) -> Result<Served, Failure> {
    let members: Members<'_> = Some(row.get())
        .filter(|row| row.starts_with('{'))
        .and_then(|row| serde_json::from_str(row).ok())
        .ok_or_else(|| malformed(answer, "a row is not an object"))?;
    let payload = compact(row.get());
    let Some(id) = id_of(&members, entity) else {
        let id = name_of_content(&payload);
        return Ok(quarantined(
            id,
            QuarantineReason::NoId,
            row.get(),
            &members,
            entity,
        ));
    };
    if let Some(bytes) = text.damaged(row.get()) {
        return Ok(quarantined(
            id,
            QuarantineReason::NotUtf8,
            bytes,
            &members,
            entity,
        ));
    }
    Ok(match record(&id, payload, &members, entity) {
        Ok(record) => Served::Record(record),
        Err(reason) => quarantined(id, reason, row.get(), &members, entity),
    })
}

fn record(
    id: &str,
    payload: Box<str>,
    members: &Members<'_>,
    entity: &EntitySpec,
) -> Result<Record, QuarantineReason> {
    if let Some(reason) = obstacle(&payload) {
        return Err(reason);
    }
    let changed = members.get(CHANGED).and_then(text_of);
    Ok(Record {
        id: id.to_owned(),
        payload_hash: *blake3::hash(payload.as_bytes()).as_bytes(),
        payload,
        source_version: None,
        source_created_at: None,
        source_updated_at: changed.and_then(|text| days::instant(&text)),
        document_date: date_of(members, entity)?,
        deleted: false,
        original: None,
    })
}

fn quarantined(
    id: String,
    reason: QuarantineReason,
    text: impl AsRef<[u8]>,
    members: &Members<'_>,
    entity: &EntitySpec,
) -> Served {
    let date = date_of(members, entity).ok().flatten();
    Served::Quarantined(Quarantined::new(id, reason, text).dated(date, None))
}

/// Whether a record is known by one of its names only.
pub(super) fn has_no_id(record: &Record) -> bool {
    let members = serde_json::from_str::<Members<'_>>(&record.payload).ok();
    let id = members.as_ref().and_then(|members| members.get("id"));
    !id.and_then(text_of).is_some_and(|id| is_usable(id.trim()))
}

/// Puts a record away as one without an id, because another one has its name.
pub(super) fn put_away(record: &Record) -> Served {
    let (id, payload) = (name_of_content(&record.payload), &*record.payload);
    let quarantined = Quarantined::new(id, QuarantineReason::NoId, payload);
    Served::Quarantined(quarantined.dated(record.document_date, None))
}

/// Stands for the id of a row that has none.
fn name_of_content(payload: &str) -> String {
    format!("row-{}", &blake3::hash(payload.as_bytes()).to_hex()[..16])
}

/// The id, or the first of its names that says something: of a person its tax number, of a product its code.
fn id_of(members: &Members<'_>, entity: &EntitySpec) -> Option<String> {
    let names = std::iter::once("id").chain(source(entity).names.iter().copied());
    names
        .filter_map(|name| members.get(name).and_then(text_of))
        .map(|text| text.trim().to_owned())
        .find(|id| is_usable(id))
}

/// An id is a few characters that can be printed, and a key of tables.
fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
}

/// A text, or a number as it is written.
fn text_of(value: &RawValue) -> Option<String> {
    let written = value.get();
    if written.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Some(written.to_owned());
    }
    serde_json::from_str(written).ok()
}

fn date_of(members: &Members<'_>, entity: &EntitySpec) -> Result<Option<NaiveDate>, QuarantineReason> {
    let Some(value) = source(entity).date.and_then(|name| members.get(name)) else {
        return Ok(None);
    };
    let text = text_of(value).unwrap_or_default();
    days::read(&text)
        .map(Some)
        .ok_or(QuarantineReason::UnreadableDate)
}
