//! Record: what is read out of a row, whose text is kept.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ledgerfleet_model::{Failure, QuarantineReason, Quarantined, Record, Served};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::malformed;
use super::source::{RowShape, source};
use crate::http::Answer;
use crate::json::{Members, compact};
use crate::limits::obstacle;
use crate::{EntityKind, EntitySpec};

/// The most bytes of an id.
const LONGEST_ID: usize = 255;

/// What is read out of a record; everything else is only kept.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    sync_token: Option<&'a RawValue>,
    #[serde(borrow)]
    meta_data: Option<&'a RawValue>,
    #[serde(borrow)]
    txn_date: Option<&'a RawValue>,
}

/// When a record was made and last changed, in Pacific time with its offset (QuickBooks-V3-Java-SDK#26).
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaData {
    create_time: Option<String>,
    last_updated_time: Option<String>,
}

/// Reads a row of that entity. What is no object or has no id is no row at all, and a failure of the whole answer; a
/// record that cannot be stored as it is goes to quarantine.
pub(super) fn served(answer: &Answer, row: &RawValue, entity: &EntitySpec) -> Result<Served, Failure> {
    let text = match source(entity).rows {
        RowShape::Plain | RowShape::Keyed(_) => Some(row.get()),
        RowShape::Wrapped => wrapped(row),
    };
    // An array would be read as an object whose members stand in order.
    let text = text
        .filter(|text| text.starts_with('{'))
        .ok_or_else(|| malformed(answer, "a row is not an object"))?;
    let head: Option<Head<'_>> = serde_json::from_str(text).ok();
    let id = match (source(entity).rows, &head) {
        (RowShape::Keyed(members), _) => key(row, members),
        (_, Some(head)) => head.id.and_then(text_value),
        (_, None) => id_alone(text),
    };
    let id = id
        .filter(|id| is_usable(id))
        .ok_or_else(|| malformed(answer, "a row has no usable Id"))?;
    let read = match &head {
        Some(head) => record(&id, row, head, entity),
        None => Err(QuarantineReason::MemberTwice),
    };
    Ok(match read {
        Ok(record) => Served::Record(record),
        Err(reason) => {
            let dated = head.as_ref().and_then(|head| document_date(head, entity).ok()?);
            let changed = head.as_ref().and_then(|head| times(head.meta_data).ok()?.1);
            Served::Quarantined(Quarantined::new(id, reason, row.get()).dated(dated, changed))
        }
    })
}

fn record(
    id: &str,
    row: &RawValue,
    head: &Head<'_>,
    entity: &EntitySpec,
) -> Result<Record, QuarantineReason> {
    let payload = compact(row.get());
    if let Some(reason) = obstacle(&payload) {
        return Err(reason);
    }
    let (source_created_at, source_updated_at) = times(head.meta_data)?;
    Ok(Record {
        id: id.to_owned(),
        payload_hash: *blake3::hash(stable(&payload).as_bytes()).as_bytes(),
        payload,
        source_version: version(head.sync_token)?,
        source_created_at,
        source_updated_at,
        document_date: document_date(head, entity)?,
        deleted: false,
        original: None,
    })
}

/// The id of a record of which nothing else can be read.
fn id_alone(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct IdAlone<'a> {
        #[serde(borrow, rename = "Id")]
        id: &'a RawValue,
    }
    let alone: IdAlone<'_> = serde_json::from_str(text).ok()?;
    text_value(alone.id)
}

/// An id is a few characters that can be printed, and a key of tables: a text of kilobytes would fit in no index.
fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
}

/// The text of the only member of a row.
fn wrapped(row: &RawValue) -> Option<&str> {
    let members: Members<'_> = serde_json::from_str(row.get()).ok()?;
    let mut inner = members.iter();
    match (inner.next(), inner.next()) {
        (Some((_, record)), None) => Some(record.get()),
        _ => None,
    }
}

/// An id made of members that together are one.
fn key(row: &RawValue, names: &[&str]) -> Option<String> {
    let members: Members<'_> = serde_json::from_str(row.get()).ok()?;
    let values = names.iter().map(|name| members.get(name).and_then(text_value));
    values
        .collect::<Option<Vec<String>>>()
        .map(|values| values.join(":"))
}

fn text_value(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// With what the name of an address ends, before its value.
const ADDRESS: &str = "Uri\":\"http";

/// A compact record without the members that differ in every answer although nothing has changed: signed addresses, which
/// live for a quarter of an hour. QuickBooks has two (`TempDownloadUri` and `ThumbnailTempDownloadUri` of an attachable),
/// and a further one would otherwise look like a change of every record at every reading.
fn stable(payload: &str) -> Cow<'_, str> {
    if !payload.contains(ADDRESS) {
        return Cow::Borrowed(payload);
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(payload) else {
        return Cow::Borrowed(payload);
    };
    let kept = members
        .iter()
        .filter(|(name, value)| !is_signed_address(name, value.get()));
    let kept: Vec<String> = kept
        .map(|(name, value)| format!("\"{name}\":{}", value.get()))
        .collect();
    Cow::Owned(format!("{{{}}}", kept.join(",")))
}

/// Whether a member is an address with a signature: one of another machine, with a query behind it. The path of a file
/// (`FileAccessUri`) has neither, stays the same and is part of the record.
fn is_signed_address(name: &str, value: &str) -> bool {
    let is_address = ["\"https://", "\"http://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    name.ends_with("Uri") && is_address && value.contains('?')
}

/// A `SyncToken` is a decimal number in a string. What else a string says is no version; what is neither string nor
/// number is no `SyncToken`.
fn version(token: Option<&RawValue>) -> Result<Option<i64>, QuarantineReason> {
    let Some(token) = token.map(RawValue::get) else {
        return Ok(None);
    };
    if token.starts_with(|first: char| matches!(first, '"' | '-' | '0'..='9')) {
        Ok(token.trim_matches('"').parse().ok())
    } else {
        Err(QuarantineReason::UnreadableVersion)
    }
}

type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Both times, each where it is given.
fn times(meta: Option<&RawValue>) -> Result<Times, QuarantineReason> {
    let Some(meta) = meta.map(RawValue::get) else {
        return Ok((None, None));
    };
    let meta: MetaData = Some(meta)
        .filter(|meta| meta.starts_with('{'))
        .and_then(|meta| serde_json::from_str(meta).ok())
        .ok_or(QuarantineReason::UnreadableTimes)?;
    Ok((instant(meta.create_time)?, instant(meta.last_updated_time)?))
}

fn instant(text: Option<String>) -> Result<Option<DateTime<Utc>>, QuarantineReason> {
    let read = |text: String| {
        let instant = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
        is_storable(&instant).then_some(instant)
    };
    text.map(|text| read(text).ok_or(QuarantineReason::UnreadableTimes))
        .transpose()
}

/// Whether every ledger holds a day and puts it in its place: as text, years have four digits, and Postgres has no year 0.
/// The last hours of 9999 in America are the year 10000 in UTC.
fn is_storable(day: &impl Datelike) -> bool {
    (1..=9999).contains(&day.year())
}

/// The date of what has one.
fn document_date(head: &Head<'_>, entity: &EntitySpec) -> Result<Option<NaiveDate>, QuarantineReason> {
    match entity.kind {
        EntityKind::Document => date(head.txn_date),
        EntityKind::List | EntityKind::Single => Ok(None),
    }
}

/// A date is read as `2026-03-01` and nothing else: chrono alone would accept `2026-3-1`.
fn date(member: Option<&RawValue>) -> Result<Option<NaiveDate>, QuarantineReason> {
    let Some(member) = member else {
        return Ok(None);
    };
    let text = text_value(member).unwrap_or_default();
    NaiveDate::parse_from_str(&text, "%Y-%m-%d")
        .ok()
        .filter(|date| is_date(&text) && is_storable(date))
        .map(Some)
        .ok_or(QuarantineReason::UnreadableDate)
}

/// Whether a text is written as dates are: with a year of four digits.
fn is_date(text: &str) -> bool {
    let is_part = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_part)
}
