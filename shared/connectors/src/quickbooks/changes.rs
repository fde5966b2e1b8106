//! Changes: what has changed since an instant (change data capture), read strictly.
//!
//! ```text
//! GET cdc?entities=Customer,Invoice&changedSince=2026-03-01T10:00:00-00:00
//! {"CDCResponse":[{"QueryResponse":[{"Customer":[…]},{},{"Invoice":[{…},{"status":"Deleted","Id":"9",…}]}]}],"time":"…"}
//! ```
//!
//! Blocks are told apart by the names of their members: an entity without changes is an empty block, and their order is
//! nobody's promise. Where fewer blocks came than were asked for, an entity that none of them names may be one of which the
//! upstream tells nothing: it is no entity without changes. The answer is cut at 1,000 objects, and nothing says whether
//! those are of all entities or of each.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::SecondsFormat;
use ledgerfleet_model::{Failure, FailureKind, Record, Served};
use serde_json::value::RawValue;

use super::answers::{document, malformed, unexpected};
use super::client::{QuickBooks, asked, of_rows};
use super::faults::{Fault, of_fault};
use super::pages::{answer_time, deleted_id, whole};
use super::record::served;
use super::source::rows_key;
use crate::http::Answer;
use crate::json::{FirstItems, Members};
use crate::text::Text;
use crate::{Changed, ChangedEntity, Changes, ChangesRequest, EntitySpec, Target};

/// Objects at which an answer is cut.
const CAP: usize = 1_000;

/// Objects of one entity that are read.
const MOST_ROWS: usize = 20_000;

/// Blocks that are read: some for each entity there is.
const MOST_BLOCKS: usize = 1_000;

/// It looks 30 days back; one of them is kept for clocks and for the way there.
pub(super) const MEMORY: Duration = Duration::from_hours(29 * 24);

/// The entities of which changes are told (tap-quickbooks, `deleted_entities`; quickbooks-ruby, `ChangeDataCapture`).
const TOLD: [&str; 24] = [
    "account",
    "bill",
    "bill_payment",
    "budget",
    "class",
    "credit_memo",
    "customer",
    "department",
    "deposit",
    "employee",
    "estimate",
    "invoice",
    "item",
    "journal_entry",
    "payment",
    "payment_method",
    "purchase",
    "purchase_order",
    "refund_receipt",
    "sales_receipt",
    "term",
    "transfer",
    "vendor",
    "vendor_credit",
];

/// Whether changes of an entity are told.
pub(super) fn are_told(entity: &EntitySpec) -> bool {
    TOLD.contains(&entity.name)
}

/// The parameters of a request. A time without an offset would be taken for Pacific, and a `Z` was refused once
/// (QuickBooks-V3-PHP-SDK#69): so the offset is a number.
pub(super) fn parameters(request: &ChangesRequest<'_>) -> [(&'static str, String); 2] {
    let names: Vec<&str> = request.entities.iter().map(|entity| entity.upstream).collect();
    let since = request.since.fixed_offset();
    [
        ("entities", names.join(",")),
        (
            "changedSince",
            since.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        ),
    ]
}

/// A request as text.
pub(super) fn describe(request: &ChangesRequest<'_>) -> String {
    let [(_, entities), (_, since)] = parameters(request);
    format!("GET cdc entities={entities} changedSince={since}")
}

/// Reads an answer.
pub(super) fn read(answer: &Answer, request: &ChangesRequest<'_>) -> Result<Changed, Failure> {
    let text = Text::of(answer);
    let members = document(answer, &text)?;
    let responses = members
        .get("CDCResponse")
        .ok_or_else(|| unexpected(answer, "QuickBooks answered JSON without a CDCResponse"))?;
    let responses = items(answer, responses)?;
    if responses.is_empty() {
        return Err(unexpected(
            answer,
            "QuickBooks answered no changes, not even that there are none",
        ));
    }
    let mut rows: HashMap<&str, Vec<&RawValue>> = HashMap::new();
    let mut nameless = 0;
    for response in responses {
        let response = object(answer, response)?;
        let blocks = response
            .get("QueryResponse")
            .ok_or_else(|| unexpected(answer, "QuickBooks answered changes without a QueryResponse"))?;
        for block in items(answer, blocks)? {
            nameless += usize::from(!sort(answer, &object(answer, block)?, request, &mut rows)?);
        }
    }
    let all: usize = rows.values().map(Vec::len).sum();
    let are_missing = rows.len() + nameless < request.entities.len();
    let mut entities = Vec::with_capacity(request.entities.len());
    for entity in request.entities {
        let named = rows.remove(rows_key(entity));
        let untold = named.is_none() && are_missing && all != CAP;
        let rows = named.unwrap_or_default();
        let may_lack_some = all == CAP || rows.len() >= CAP;
        let changed = changed(answer, &text, entity, &rows)?;
        entities.push(ChangedEntity {
            may_lack_some,
            untold,
            ..changed
        });
    }
    Ok(Changed {
        entities,
        time: members.get("time").and_then(answer_time),
        ..Changed::default()
    })
}

/// The items of an array; one object alone is an array of one.
fn items<'a>(answer: &Answer, value: &'a RawValue) -> Result<Vec<&'a RawValue>, Failure> {
    if value.get().starts_with('{') {
        return Ok(vec![value]);
    }
    let first: FirstItems<'a, MOST_BLOCKS> =
        serde_json::from_str(value.get()).map_err(|_| malformed(answer, "its changes are no list"))?;
    if first.has_more {
        return Err(unexpected(
            answer,
            "QuickBooks answered too many blocks of changes",
        ));
    }
    Ok(first.items)
}

/// The members of an object that is no fault.
fn object<'a>(answer: &Answer, value: &'a RawValue) -> Result<Members<'a>, Failure> {
    let members = serde_json::from_str(value.get());
    let members: Members<'a> = members.map_err(|_| malformed(answer, "a block of changes is no object"))?;
    match Fault::in_json(&members) {
        Some(fault) => Err(of_fault(answer, &fault)),
        None => Ok(members),
    }
}

/// Adds the rows of a block to those of their entity; false if it names none. What was not asked for is passed over.
fn sort<'a>(
    answer: &Answer,
    block: &Members<'a>,
    request: &ChangesRequest<'_>,
    rows: &mut HashMap<&'static str, Vec<&'a RawValue>>,
) -> Result<bool, Failure> {
    let mut names_one = false;
    for (name, value) in block.iter() {
        if !value.get().starts_with(['[', '{']) {
            continue;
        }
        names_one = true;
        let asked = request.entities.iter();
        let Some(entity) = asked
            .copied()
            .find(|entity| rows_key(entity).eq_ignore_ascii_case(name))
        else {
            continue;
        };
        let of_entity = rows.entry(rows_key(entity)).or_default();
        if value.get().starts_with('{') {
            of_entity.push(value);
            continue;
        }
        let first: FirstItems<'a, MOST_ROWS> =
            serde_json::from_str(value.get()).map_err(|_| malformed(answer, "its changes are no list"))?;
        if first.has_more {
            return Err(unexpected(
                answer,
                format!("QuickBooks answered more than {MOST_ROWS} changes"),
            ));
        }
        of_entity.extend(first.items);
    }
    Ok(names_one)
}

fn changed(
    answer: &Answer,
    text: &Text<'_>,
    entity: &'static EntitySpec,
    rows: &[&RawValue],
) -> Result<ChangedEntity, Failure> {
    let mut changed = ChangedEntity {
        entity,
        records: Vec::with_capacity(rows.len()),
        quarantined: Vec::new(),
        may_lack_some: false,
        untold: false,
    };
    for row in rows {
        if let Some(id) = deleted_id(row) {
            changed.records.push(Record::tombstone(&id));
            continue;
        }
        match whole(answer, text, row, served(answer, row, entity)?)? {
            Served::Record(record) => changed.records.push(record),
            Served::Quarantined(quarantined) => changed.quarantined.push(quarantined),
        }
    }
    Ok(changed)
}

#[async_trait]
impl Changes for QuickBooks {
    fn tells(&self, entity: &EntitySpec) -> bool {
        are_told(entity)
    }

    fn memory(&self) -> Duration {
        MEMORY
    }

    async fn changes(&self, target: &Target<'_>, request: &ChangesRequest<'_>) -> Result<Changed, Failure> {
        let what = describe(request);
        let mut url = self.address(target, &["cdc"])?;
        url.query_pairs_mut().extend_pairs(parameters(request));
        let answer = self.send(target, self.http.get(url), &what).await?;
        let changed = read(&answer, request)
            .map_err(|failure| asked(failure, &what))
            .map_err(|failure| of_rows(failure, &crate::CHANGES))
            .map_err(of_changes)?;
        Ok(Changed {
            held: answer.held,
            ..changed
        })
    }

    fn describe(&self, request: &ChangesRequest<'_>) -> String {
        describe(request)
    }
}

/// What a fault means where changes were asked for. An entity that change data capture does not know is refused as 400 with
/// code 500, "unsupported operation"; an outage had the same code, in other words: "Could not find resource".
fn of_changes(failure: Failure) -> Failure {
    let is_unsupported = failure.status == Some(400)
        && failure.upstream_code.as_deref() == Some("500")
        && !failure.message.to_lowercase().contains("find resource");
    if !is_unsupported {
        return failure;
    }
    Failure {
        kind: FailureKind::BadRequest,
        away: false,
        ..failure
    }
}

#[cfg(test)]
mod tests;
