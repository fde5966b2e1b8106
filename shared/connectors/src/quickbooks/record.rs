//! Record: what is read out of a row, whose text is kept.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Failure, FailureKind, Record};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::malformed;
use super::faults::{failure, tidy};
use super::json::{Members, compact};
use crate::http::Answer;
use crate::{EntityKind, EntitySpec, RowShape};

/// The most bytes one record may have: 8 MiB.
pub(super) const RECORD_LIMIT: usize = 8 << 20;

/// What is read out of a record; everything else is only kept.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    sync_token: Option<&'a RawValue>,
    meta_data: Option<MetaData>,
    txn_date: Option<String>,
}

/// When a record was made and last changed, in Pacific time with its offset (QuickBooks-V3-Java-SDK#26).
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaData {
    create_time: Option<String>,
    last_updated_time: Option<String>,
}

/// Reads a row of that entity.
pub(super) fn record(answer: &Answer, row: &RawValue, entity: &EntitySpec) -> Result<Record, Failure> {
    let text = match entity.rows {
        RowShape::Plain | RowShape::Keyed(_) => row.get(),
        RowShape::Wrapped => {
            wrapped(row).ok_or_else(|| malformed(answer, "a row does not wrap exactly one object"))?
        }
    };
    // An array would be read as an object whose members stand in order. The parser's error is not repeated: it may
    // quote the record.
    let head = Some(text)
        .filter(|text| text.starts_with('{'))
        .map(serde_json::from_str);
    let Some(Ok(head)) = head else {
        return Err(malformed(
            answer,
            "a row is not an object with Id, SyncToken, MetaData and TxnDate",
        ));
    };
    let head: Head<'_> = head;
    let id = match entity.rows {
        RowShape::Plain | RowShape::Wrapped => head.id.and_then(text_value),
        RowShape::Keyed(members) => key(row, members),
    };
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| malformed(answer, "a row has no Id"))?;
    let payload = compact(row.get()).into_boxed_str();
    if payload.len() > RECORD_LIMIT {
        let message = format!("record {} is longer than {RECORD_LIMIT} bytes", tidy(&id));
        return Err(failure(answer, FailureKind::TooLarge, message));
    }
    let bad = |member: &str| malformed(answer, &format!("{member} of record {} is unreadable", tidy(&id)));
    let meta = head.meta_data.unwrap_or_default();
    Ok(Record {
        payload_hash: *blake3::hash(stable(&payload, entity.volatile).as_bytes()).as_bytes(),
        payload,
        source_version: head.sync_token.and_then(version),
        source_created_at: instant(meta.create_time).map_err(|()| bad("CreateTime"))?,
        source_updated_at: instant(meta.last_updated_time).map_err(|()| bad("LastUpdatedTime"))?,
        document_date: match entity.kind {
            EntityKind::Document => date(head.txn_date).map_err(|()| bad("TxnDate"))?,
            EntityKind::List | EntityKind::Single => None,
        },
        deleted: false,
        original: None,
        id,
    })
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

/// A compact record without the members that differ in every answer.
fn stable<'a>(payload: &'a str, volatile: &[&str]) -> Cow<'a, str> {
    if volatile.is_empty() {
        return Cow::Borrowed(payload);
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(payload) else {
        return Cow::Borrowed(payload);
    };
    let kept = members.iter().filter(|(name, _)| !volatile.contains(name));
    let kept: Vec<String> = kept
        .map(|(name, value)| format!("\"{name}\":{}", value.get()))
        .collect();
    Cow::Owned(format!("{{{}}}", kept.join(",")))
}

/// A `SyncToken` is a decimal number in a string.
fn version(token: &RawValue) -> Option<i64> {
    token.get().trim_matches('"').parse().ok()
}

fn instant(text: Option<String>) -> Result<Option<DateTime<Utc>>, ()> {
    let read = |text: String| {
        DateTime::parse_from_rfc3339(&text)
            .map(|instant| instant.to_utc())
            .map_err(drop)
    };
    text.map(read).transpose()
}

/// A date is read as `2026-03-01` and nothing else: chrono alone would accept `2026-3-1`.
fn date(text: Option<String>) -> Result<Option<NaiveDate>, ()> {
    let Some(text) = text else { return Ok(None) };
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map_err(drop)?;
    if date.format("%Y-%m-%d").to_string() == text {
        Ok(Some(date))
    } else {
        Err(())
    }
}
