//! Answers: what is complete JSON without a fault. Everything else is a failure of a kind of its own.

use ledgerfleet_model::{Failure, FailureKind};
use reqwest::header::CONTENT_TYPE;

use super::faults::{Fault, failure, of_fault, refused};
use crate::http::Answer;
use crate::json::{Members, ends_early};
use crate::text::Text;

/// The members of an answer that is complete JSON, has status 200 and holds no fault; `text` is its body.
pub(super) fn document<'a>(answer: &Answer, text: &'a Text<'_>) -> Result<Members<'a>, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    if text.ends_in_a_character() {
        return Err(truncated(answer));
    }
    let text = text.as_str();
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

/// Whether an answer is told to be the JSON that was asked for, and does not stop in the middle of a character.
pub(super) fn is_good(answer: &Answer, text: &Text<'_>) -> bool {
    answer.status == 200 && is_json(answer) && !text.ends_in_a_character()
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

pub(super) fn unexpected(answer: &Answer, message: impl AsRef<str>) -> Failure {
    failure(answer, FailureKind::UnexpectedContent, message)
}

pub(super) fn malformed(answer: &Answer, what: &str) -> Failure {
    failure(
        answer,
        FailureKind::Malformed,
        format!("QuickBooks answered what can not be read: {what}"),
    )
}
