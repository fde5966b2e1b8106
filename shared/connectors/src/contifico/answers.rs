//! Answers: what is complete JSON of this API. Everything else is a failure of a kind of its own.

use ledgerfleet_model::{Failure, FailureKind};
use serde_json::value::RawValue;

use super::faults::{Fault, failure, refused};
use crate::http::Answer;
use crate::json::{FirstItems, Members, ends_early};
use crate::text::Text;

/// Rows of one answer that are read: an array is everything that there is, and a body of megabytes may hold millions of
/// empty ones.
const MOST_ROWS: usize = 1_000_000;

/// A list as it was answered.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    /// Its rows, each as the text it was served as.
    pub(super) rows: Vec<&'a RawValue>,
    /// What an envelope says beside them; none of a bare array.
    pub(super) envelope: Option<Envelope>,
}

/// What an envelope says of its list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    /// How many rows there are.
    pub(super) count: Option<u64>,
    /// Whether it names a next page. Its address is not followed: the key goes where this program decides.
    pub(super) has_next: bool,
}

/// The list in an answer.
pub(super) fn listed<'a>(answer: &Answer, text: &'a Text<'_>) -> Result<Listed<'a>, Failure> {
    let json = json(answer, text)?;
    if json.starts_with('[') {
        return Ok(Listed {
            rows: rows(answer, json)?,
            envelope: None,
        });
    }
    let members: Members<'a> =
        serde_json::from_str(json).map_err(|error| unreadable(answer, json, &error))?;
    let Some(results) = members.get("results").filter(|rows| rows.get().starts_with('[')) else {
        return Err(no_list(answer, &members));
    };
    let number = |value: &RawValue| value.get().trim_matches('"').parse().ok();
    Ok(Listed {
        rows: rows(answer, results.get())?,
        envelope: Some(Envelope {
            count: members.get("count").and_then(number),
            has_next: members.get("next").is_some(),
        }),
    })
}

/// The one record in an answer: an object, or an array of one, which some records were documented in.
pub(super) fn single<'a>(answer: &Answer, text: &'a Text<'_>) -> Result<&'a RawValue, Failure> {
    let json = json(answer, text)?;
    if !json.starts_with('[') {
        return serde_json::from_str(json).map_err(|error| unreadable(answer, json, &error));
    }
    match rows(answer, json)?.as_slice() {
        [row] => Ok(row),
        rows => {
            let message = format!("Contífico answered {} records to a request for one", rows.len());
            Err(unexpected(answer, message))
        }
    }
}

fn rows<'a>(answer: &Answer, json: &'a str) -> Result<Vec<&'a RawValue>, Failure> {
    let first: FirstItems<'a, MOST_ROWS> =
        serde_json::from_str(json).map_err(|error| unreadable(answer, json, &error))?;
    if first.has_more {
        return Err(unexpected(answer, "Contífico answered more than a million rows"));
    }
    Ok(first.items)
}

/// The JSON of an answer with status 200, so far as its first character tells.
fn json<'a>(answer: &Answer, text: &'a Text<'_>) -> Result<&'a str, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    if text.ends_in_a_character() {
        return Err(truncated(answer));
    }
    let text = text.as_str().trim_ascii();
    match text.bytes().next() {
        Some(b'[' | b'{') => Ok(text),
        Some(b'<') => Err(unexpected(
            answer,
            "Contífico answered a page of HTML instead of JSON",
        )),
        None => Err(truncated(answer)),
        Some(_) => Err(unexpected(
            answer,
            "this is not Contífico's answer: neither a list nor an object",
        )),
    }
}

fn no_list(answer: &Answer, members: &Members<'_>) -> Failure {
    match Fault::in_members(members) {
        Some(fault) => unexpected(answer, format!("Contífico says with HTTP 200: {}", fault.text)),
        None => unexpected(
            answer,
            "this is not Contífico's answer: an object without the rows of a list; check the address of the API",
        ),
    }
}

fn unreadable(answer: &Answer, text: &str, error: &serde_json::Error) -> Failure {
    if ends_early(text) {
        truncated(answer)
    } else if error.is_data() {
        unexpected(
            answer,
            "this is not Contífico's answer: other JSON than asked for",
        )
    } else {
        malformed(answer, "it is not valid JSON")
    }
}

fn truncated(answer: &Answer) -> Failure {
    failure(
        answer,
        FailureKind::Truncated,
        "the answer of Contífico ends in the middle",
    )
}

pub(super) fn unexpected(answer: &Answer, message: impl AsRef<str>) -> Failure {
    failure(answer, FailureKind::UnexpectedContent, message)
}

pub(super) fn malformed(answer: &Answer, what: &str) -> Failure {
    let message = format!("Contífico answered what can not be read: {what}");
    failure(answer, FailureKind::Malformed, message)
}
