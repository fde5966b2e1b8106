//! Pages: answers read strictly. What is not the answer that was asked for is a failure, never "no rows".

use chrono::{DateTime, Utc};
use ledgerfleet_model::{Failure, QuarantineReason, Quarantined, Served};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::{document, is_good, malformed, unexpected};
use super::faults::says_not_found;
use super::paging::{Part, Place, Shown};
use super::query::rows_asked;
use super::record::served;
use super::response::{MOST_ROWS, Response};
use super::source::rows_key;
use crate::http::Answer;
use crate::json::{FirstItems, Members};
use crate::scrub::one_line;
use crate::text::{REPLACED, Text};
use crate::{Ending, EntityKind, EntitySpec, Page};

/// Limits are round numbers: 100 rows come to those who do not say how many they want, 500 was the most of 2014
/// (simonv3/quickbooks-python#4). A page of so many may have been cut there.
pub(super) const ROUND: usize = 100;

/// Which page is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// Where it begins.
    pub(super) place: Place,
    /// How many rows are wanted.
    pub(super) size: u32,
    /// Whether an order was asked for.
    pub(super) in_order: bool,
}

/// Reads a page of rows: its records, in the order served. What it holds of the budget is not known here.
pub(super) fn read_page(answer: &Answer, entity: &EntitySpec, asked: Asked) -> Result<Page, Failure> {
    let text = Text::of(answer);
    let Rest { rows, response, time } = rows_and_rest(answer, &text, entity)?;
    let (count, limit) = (rows.len(), rows_asked(asked.size) as usize);
    // One row more than asked for was seen (mcohen01/node-quickbooks#89), and is a row like the others.
    if count > limit + 1 {
        let message = format!("QuickBooks answered {count} rows although {limit} were asked for");
        return Err(unexpected(answer, message));
    }
    let more = count >= limit && entity.kind != EntityKind::Single;
    // What agrees proves nothing: whether `totalCount` is of the rows that there are, or of those in the answer, is not
    // documented, and most answers have none.
    let has_more_rows = total_count(&response).is_some_and(|total| total > asked.place.skip + count as u64);
    let is_doubted = has_more_rows || (count > 0 && count % ROUND == 0);
    let ending = if is_doubted && !more {
        Ending::Doubted
    } else {
        Ending::Unsaid
    };
    let mut page = Page {
        more,
        ending,
        time,
        ..Page::default()
    };
    for row in rows {
        match whole(answer, &text, row, served(answer, row, entity)?)? {
            Served::Record(record) => page.records.push(record),
            Served::Quarantined(quarantined) => page.quarantined.push(quarantined),
        }
    }
    let created = page.records.iter().map(|record| record.source_created_at);
    let mut shown = Shown::of(created, page.quarantined.len());
    if !asked.in_order {
        shown.created = None;
    }
    let next = asked.place.after(shown);
    page.in_order = !next.by_offset;
    page.ends_part = asked.place.part == Part::Active && !more;
    page.more |= page.ends_part;
    page.next = if page.ends_part { next.inactive() } else { next }.position();
    Ok(page)
}

/// How many rows the answer itself counts from its place on. All sixteen pages recorded in minimul/qbo_api say nothing.
fn total_count(response: &Members<'_>) -> Option<u64> {
    response.get("totalCount")?.get().parse().ok()
}

/// What was read out of a row, or, where some of its bytes are no UTF-8, those bytes. A row whose id is among them is no
/// row at all.
pub(super) fn whole(
    answer: &Answer,
    text: &Text<'_>,
    row: &RawValue,
    served: Served,
) -> Result<Served, Failure> {
    let Some(bytes) = text.damaged(row.get()) else {
        return Ok(served);
    };
    let id = served.id();
    if id.contains(REPLACED) {
        return Err(malformed(answer, "the Id of a row is not UTF-8"));
    }
    let damaged = Quarantined::new(id.to_owned(), QuarantineReason::NotUtf8, bytes);
    Ok(Served::Quarantined(damaged))
}

/// Reads the answer to a read by id. None if it says, in one of the two ways that are documented, that there is no
/// such record: fault 610, or the stub of a record that was deleted.
pub(super) fn read_one(answer: &Answer, entity: &EntitySpec, id: &str) -> Result<Option<Served>, Failure> {
    let text = Text::of(answer);
    let members = match document(answer, &text) {
        Err(_) if says_not_found(answer) => return Ok(None),
        members => members?,
    };
    let row = members.get(rows_key(entity)).ok_or_else(|| {
        unexpected(
            answer,
            "QuickBooks answered something else than the record asked for",
        )
    })?;
    if is_deleted(row, id) {
        return Ok(None);
    }
    let served = whole(answer, &text, row, served(answer, row, entity)?)?;
    match (served.id() == id, entity.kind) {
        (true, _) => Ok(Some(served)),
        // The only record there is, and it is not this one.
        (false, EntityKind::Single) => Ok(None),
        (false, _) => Err(unexpected(
            answer,
            "QuickBooks answered another record than the one asked for",
        )),
    }
}

/// Whether a row is all that is left of this record: `{"domain":"QBO","status":"Deleted","Id":"1"}`.
fn is_deleted(row: &RawValue, id: &str) -> bool {
    deleted_id(row).as_deref() == Some(id)
}

/// The id of the record of which a row is all that is left; none if it is more.
pub(super) fn deleted_id(row: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Stub<'a> {
        #[serde(borrow)]
        status: Option<&'a RawValue>,
        #[serde(borrow, rename = "Id")]
        id: Option<&'a RawValue>,
    }
    let text =
        |value: Option<&RawValue>| value.and_then(|value| serde_json::from_str::<String>(value.get()).ok());
    let stub = Some(row.get())
        .filter(|text| text.starts_with('{'))
        .map(serde_json::from_str);
    let stub: Stub<'_> = stub?.ok()?;
    (text(stub.status).as_deref() == Some("Deleted")).then(|| text(stub.id))?
}

/// Reads the answer to `SELECT count(*)`.
pub(super) fn read_count(answer: &Answer) -> Result<u64, Failure> {
    let text = Text::of(answer);
    let total = query_response(answer, &text)?
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
    let text = Text::of(answer);
    if !text.is_whole() {
        return Err(malformed(answer, "it is not UTF-8"));
    }
    let company = document(answer, &text)?.get("CompanyInfo").map(RawValue::get);
    let info: Option<CompanyInfo> = company.and_then(|text| serde_json::from_str(text).ok());
    info.map(|info| info.company_name)
        .ok_or_else(|| unexpected(answer, "QuickBooks answered no company"))
}

/// The rows of `entity` and the response they stand in: at once where the answer is as it should be.
fn rows_and_rest<'a>(answer: &Answer, text: &'a Text<'_>, entity: &EntitySpec) -> Result<Rest<'a>, Failure> {
    if is_good(answer, text)
        && let Some(response) = Response::of(text.as_str(), rows_key(entity))
    {
        return Ok(Rest {
            rows: response.rows.unwrap_or_default(),
            response: response.members,
            time: response.time.and_then(answer_time),
        });
    }
    let time = document(answer, text)?.get("time").and_then(answer_time);
    let response = query_response(answer, text)?;
    Ok(Rest {
        rows: rows(answer, &response, entity)?,
        response,
        time,
    })
}

/// What an answer with rows has.
struct Rest<'a> {
    rows: Vec<&'a RawValue>,
    response: Members<'a>,
    time: Option<DateTime<Utc>>,
}

/// The time that stands in an answer: that of the upstream's own clock.
pub(super) fn answer_time(time: &RawValue) -> Option<DateTime<Utc>> {
    let text: String = serde_json::from_str(time.get()).ok()?;
    Some(DateTime::parse_from_rfc3339(&text).ok()?.to_utc())
}

/// The members of the answer's `QueryResponse`.
fn query_response<'a>(answer: &Answer, text: &'a Text<'_>) -> Result<Members<'a>, Failure> {
    let response = document(answer, text)?.get("QueryResponse");
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
        let is_ours = name == rows_key(entity);
        if is_ours && found.is_none() {
            let first = serde_json::from_str::<FirstItems<'_, MOST_ROWS>>(value.get());
            let first = first.map_err(|_| not_rows(answer, name))?;
            if first.has_more {
                let message = format!("QuickBooks answered more than {MOST_ROWS} rows");
                return Err(unexpected(answer, message));
            }
            found = Some(first.items);
        } else if is_ours || value.get().starts_with(['[', '{']) {
            return Err(not_rows(answer, name));
        }
    }
    Ok(found.unwrap_or_default())
}

fn not_rows(answer: &Answer, member: &str) -> Failure {
    unexpected(
        answer,
        format!(
            "QuickBooks answered a member `{}` that is not the rows asked for",
            one_line(member)
        ),
    )
}

#[cfg(test)]
mod tests;
