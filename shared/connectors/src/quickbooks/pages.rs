//! Pages: answers read strictly. What is not the answer that was asked for is a failure, never "no rows".

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Failure, FailureKind, Record};
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::faults::{Fault, failure, of_fault, refused, tidy};
use super::json::{Members, compact, ends_early};
use super::query::rows_asked;
use crate::http::Answer;
use crate::{EntityKind, EntitySpec, PageRequest, RowShape};

/// The most bytes one record may have: 8 MiB.
const RECORD_LIMIT: usize = 8 << 20;

/// Reads a page of rows: its records, in the order served.
pub(super) fn read_page(answer: &Answer, request: &PageRequest<'_>) -> Result<Vec<Record>, Failure> {
    let response = query_response(answer)?;
    let rows = rows(answer, &response, request.entity)?;
    let asked = rows_asked(request);
    if rows.len() > asked as usize {
        let message = format!(
            "QuickBooks answered {} rows although {asked} were asked for",
            rows.len()
        );
        return Err(unexpected(answer, message));
    }
    rows.into_iter()
        .map(|row| record(answer, row, request.entity))
        .collect()
}

/// Reads the answer to `SELECT count(*)`.
pub(super) fn read_count(answer: &Answer) -> Result<u64, Failure> {
    let total = query_response(answer)?
        .get("totalCount")
        .and_then(|total| total.get().parse().ok());
    total.ok_or_else(|| unexpected(answer, "QuickBooks answered a count without a number"))
}

/// Reads the name in the answer to a read of `companyinfo`.
pub(super) fn read_company_name(answer: &Answer) -> Result<String, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct CompanyInfo {
        company_name: String,
    }
    let company = document(answer)?.get("CompanyInfo").map(RawValue::get);
    let info: Option<CompanyInfo> = company.and_then(|text| serde_json::from_str(text).ok());
    info.map(|info| info.company_name)
        .ok_or_else(|| unexpected(answer, "QuickBooks answered no company"))
}

/// The members of an answer that is complete JSON, has status 200 and holds no fault.
fn document(answer: &Answer) -> Result<Members<'_>, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let text = text_of(answer)?;
    if text.trim_start().starts_with('<') {
        return Err(markup(answer, text));
    }
    if !is_json(answer) {
        return Err(unexpected(answer, "QuickBooks answered something else than JSON"));
    }
    let members = serde_json::from_str(text).map_err(|error| unreadable(answer, text, &error))?;
    match Fault::in_json(&members) {
        Some(fault) => Err(of_fault(answer, &fault)),
        None => Ok(members),
    }
}

/// The members of the answer's `QueryResponse`.
fn query_response(answer: &Answer) -> Result<Members<'_>, Failure> {
    let response = document(answer)?.get("QueryResponse");
    let members = response.and_then(|response| serde_json::from_str(response.get()).ok());
    members.ok_or_else(|| unexpected(answer, "QuickBooks answered JSON without a QueryResponse"))
}

/// The rows of `entity`, each as the text it was served as. A window without rows has no member for them, so its
/// absence means "none", but only where no other entity's rows stand in its place.
fn rows<'a>(
    answer: &Answer,
    response: &Members<'a>,
    entity: &EntitySpec,
) -> Result<Vec<&'a RawValue>, Failure> {
    let mut found = None;
    for (name, value) in response.iter() {
        let is_ours = name == entity.rows_key();
        if is_ours && found.is_none() {
            found = Some(serde_json::from_str(value.get()).map_err(|_| not_rows(answer, name))?);
        } else if is_ours || value.get().starts_with(['[', '{']) {
            return Err(not_rows(answer, name));
        }
    }
    Ok(found.unwrap_or_default())
}

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

fn record(answer: &Answer, row: &RawValue, entity: &EntitySpec) -> Result<Record, Failure> {
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

/// The body as text, without a byte order mark.
fn text_of(answer: &Answer) -> Result<&str, Failure> {
    match std::str::from_utf8(&answer.body) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}')),
        // The text ends in the middle of a character.
        Err(error) if error.error_len().is_none() => Err(truncated(answer)),
        Err(_) => Err(failure(
            answer,
            FailureKind::Malformed,
            "QuickBooks answered bytes that are not UTF-8",
        )),
    }
}

fn is_json(answer: &Answer) -> bool {
    let content = answer
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

/// XML or HTML although JSON was asked for.
fn markup(answer: &Answer, text: &str) -> Failure {
    match Fault::in_xml(text) {
        Some(fault) => of_fault(answer, &fault),
        None => unexpected(
            answer,
            "QuickBooks answered a page of HTML or XML instead of JSON",
        ),
    }
}

fn unreadable(answer: &Answer, text: &str, error: &serde_json::Error) -> Failure {
    if ends_early(text) {
        truncated(answer)
    } else if error.is_data() {
        unexpected(answer, "QuickBooks answered JSON that is not an object")
    } else {
        malformed(answer, "it is not valid JSON")
    }
}

fn truncated(answer: &Answer) -> Failure {
    failure(
        answer,
        FailureKind::Truncated,
        "the answer of QuickBooks ends in the middle",
    )
}

fn unexpected(answer: &Answer, message: impl Into<String>) -> Failure {
    failure(answer, FailureKind::UnexpectedContent, message)
}

fn not_rows(answer: &Answer, member: &str) -> Failure {
    unexpected(
        answer,
        format!(
            "QuickBooks answered a member `{}` that is not the rows asked for",
            tidy(member)
        ),
    )
}

fn malformed(answer: &Answer, what: &str) -> Failure {
    failure(
        answer,
        FailureKind::Malformed,
        format!("QuickBooks answered what can not be read: {what}"),
    )
}

#[cfg(test)]
mod tests;
