//! Faults: everything that QuickBooks says instead of an answer, and what it means.
//!
//! A fault comes as JSON with capitalised members (`Fault`, `Error`, `Message`), as JSON of the gateway in lower
//! case, or as XML although JSON was asked for; each of them also with HTTP 200. Gateways in front of the API
//! answer HTML or nothing. Throttling was recorded with 429 and with 403, so it is told by its code, too
//! (ruckus/quickbooks-ruby, fixtures `too_many_requests_error.xml` and `throttle_exceeded_error.xml`).

use ledgerfleet_model::{Failure, FailureKind, RefusalCause};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::Answer;
use crate::json::{FirstItems, Members};
use crate::scrub::one_line;
use crate::waiting::retry_after;

/// The header that names the exchange; Intuit's support asks for it.
const TRANSACTION_ID: &str = "intuit_tid";

/// Characters of a message; the upstream's text in it is what may be long.
const LONGEST_MESSAGE: usize = 380;

/// Characters of a code, and of the name of an exchange.
pub(super) const LONGEST_NAME: usize = 80;

/// Errors of a fault that are read. One says what is wrong; a body of megabytes may hold millions.
const MOST_ERRORS: usize = 16;

/// Bytes of a text of a fault that are read.
const LONGEST_READ: usize = 16 << 10;

/// What the API says went wrong. Empty where the fault cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    class: Option<String>,
    errors: Vec<FaultError>,
    /// Whether it has more errors than were read.
    has_more: bool,
}

/// One entry of a fault.
#[derive(Debug, Default, PartialEq, Eq)]
struct FaultError {
    message: Option<String>,
    detail: Option<String>,
    code: Option<String>,
}

/// A fault as it is written in JSON.
#[derive(Deserialize)]
struct WrittenFault<'a> {
    #[serde(borrow, rename = "type")]
    class: Option<&'a RawValue>,
    #[serde(borrow, rename = "Error", alias = "error", default)]
    errors: FirstItems<'a, MOST_ERRORS>,
}

/// One entry of it.
#[derive(Deserialize)]
struct WrittenError<'a> {
    #[serde(borrow, rename = "Message", alias = "message")]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "Detail", alias = "detail")]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
}

impl From<WrittenFault<'_>> for Fault {
    fn from(written: WrittenFault<'_>) -> Self {
        let errors = written.errors.items.into_iter();
        Self {
            class: written.class.and_then(brief),
            errors: errors.map(FaultError::of).collect(),
            has_more: written.errors.has_more,
        }
    }
}

impl FaultError {
    /// One that cannot be read is still one.
    fn of(error: &RawValue) -> Self {
        let Ok(written) = serde_json::from_str::<WrittenError<'_>>(error.get()) else {
            return Self::default();
        };
        // A string in the documentation; a number is understood as well.
        let code = |code: &RawValue| brief(code).unwrap_or_else(|| head(code.get()).to_owned());
        Self {
            message: written.message.and_then(brief),
            detail: written.detail.and_then(brief),
            code: written.code.map(code),
        }
    }
}

/// The beginning of a text.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_READ)]
}

/// A JSON string, or as much of the beginning of a long one as is read.
fn brief(value: &RawValue) -> Option<String> {
    let written = value.get();
    if written.len() <= LONGEST_READ {
        return serde_json::from_str(written).ok();
    }
    // An escape has at most twelve characters; the cut must not go through one.
    let ends = (0..=12).map(|less| written.floor_char_boundary(LONGEST_READ - less));
    ends.into_iter()
        .find_map(|end| serde_json::from_str(&format!("{}\"", &written[..end])).ok())
}

impl Fault {
    /// The fault in a JSON answer, if it is one.
    pub(super) fn in_json(members: &Members<'_>) -> Option<Self> {
        let fault = members.get("Fault").or_else(|| members.get("fault"))?;
        // A fault that cannot be read is still a fault.
        let written = serde_json::from_str::<WrittenFault<'_>>(fault.get());
        Some(written.map(Self::from).unwrap_or_default())
    }

    /// The fault in an XML answer, if it is one.
    pub(super) fn in_xml(text: &str) -> Option<Self> {
        let fault = &text[text.find("<Fault").or_else(|| text.find("<fault"))?..];
        let mut errors = fault.split("<Error").skip(1);
        let first = errors.by_ref().take(MOST_ERRORS).map(|error| FaultError {
            message: element(error, "Message"),
            detail: element(error, "Detail"),
            code: attribute(error, "code"),
        });
        Some(Self {
            class: attribute(fault, "type"),
            errors: first.collect(),
            has_more: errors.next().is_some(),
        })
    }

    fn in_body(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        match serde_json::from_str(text) {
            Ok(members) => Self::in_json(&members),
            Err(_) => Self::in_xml(text),
        }
    }

    /// The code, without leading zeros; where it is missing, the one that the message repeats.
    fn code(&self) -> Option<String> {
        let given = self.errors.iter().find_map(|error| error.code.as_deref());
        let repeated = || {
            self.errors
                .iter()
                .find_map(|error| error.message.as_deref()?.split_once("errorCode="))
        };
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        given
            .map(str::to_owned)
            .or_else(|| repeated().map(|(_, code)| digits(code)))
            .and_then(|code| plain(&code))
    }

    fn text(&self) -> String {
        let said = |error: &FaultError| {
            let parts = [error.message.as_deref(), error.detail.as_deref()];
            one_line(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
        };
        self.errors
            .iter()
            .map(said)
            .find(|text| !text.is_empty())
            .unwrap_or_else(|| "no reason given".to_owned())
    }

    fn is_throttle(&self) -> bool {
        self.code().as_deref() == Some("3001") || self.text().contains("ThrottleExceeded")
    }

    /// Whether the service speaks of itself, whatever the status: an internal error, or an address of ours that it does
    /// not find although it has no other (400 with code 500, DotNET-SDK#29).
    fn is_of_the_service(&self, status: u16) -> bool {
        match self.code().as_deref() {
            Some("500") => status == 400,
            Some("6000") => self.text().to_ascii_lowercase().contains("internal"),
            _ => false,
        }
    }

    fn names_the_server(&self) -> bool {
        self.text().contains("InternalServerError")
    }

    /// What a fault means whose code says nothing, with a status that says nothing.
    fn kind_by_class(&self) -> FailureKind {
        let class = self.class.as_deref().unwrap_or_default().to_ascii_lowercase();
        match class.as_str() {
            "validationfault" => FailureKind::BadRequest,
            "authenticationfault" | "authentication" => FailureKind::Unauthorised,
            // The schema misspells it.
            "authorizationfault" | "authorizatonfault" | "authorization" => FailureKind::Forbidden,
            _ => FailureKind::UpstreamError,
        }
    }
}

/// The failure that an answer with another status than 200 is.
pub(super) fn refused(answer: &Answer) -> Failure {
    if let Some(fault) = Fault::in_body(&answer.body) {
        return of_fault(answer, &fault);
    }
    let kind = kind_without_fault(answer.status);
    let message = format!("QuickBooks answered HTTP {} without saying why", answer.status);
    Failure {
        away: answer.status >= 500,
        ..failure(answer, kind, message)
    }
}

/// Whether an answer says that the record asked for does not exist: 610 and nothing else, with 400 as documented, with
/// 404, or as a fault with 200. A 404 alone is a wrong address, and must not be taken for a deletion.
pub(super) fn says_not_found(answer: &Answer) -> bool {
    let is_610 = |error: &FaultError| error.code.as_deref().and_then(plain).as_deref() == Some("610");
    // Not somewhere in the middle of a record that was cut.
    let is_whole = |body: &[u8]| {
        body.trim_ascii_start().starts_with(b"<") || serde_json::from_slice::<&RawValue>(body).is_ok()
    };
    let fault = Some(answer)
        .filter(|answer| matches!(answer.status, 200 | 400 | 404) && is_whole(&answer.body))
        .and_then(|answer| Fault::in_body(&answer.body));
    fault.is_some_and(|fault| !fault.errors.is_empty() && !fault.has_more && fault.errors.iter().all(is_610))
}

/// The failure that a fault is, whatever its status.
pub(super) fn of_fault(answer: &Answer, fault: &Fault) -> Failure {
    let kind = kind_of_fault(answer.status, fault);
    let cause = match (kind, fault.code().as_deref()) {
        (FailureKind::NeedsReauthorisation, Some("3100")) => Some(RefusalCause::Place),
        (FailureKind::NeedsReauthorisation, _) => Some(RefusalCause::Credential),
        _ => None,
    };
    let message = match cause {
        Some(RefusalCause::Place) => format!(
            "QuickBooks refuses this app for this company: wrong environment or realm, or the company is not \
             connected ({})",
            fault.text()
        ),
        Some(_) => format!("QuickBooks refuses this company for good ({})", fault.text()),
        None => format!("QuickBooks says: {}", fault.text()),
    };
    Failure {
        upstream_code: fault
            .code()
            .map(|code| answer.scrubber.clean(&code, LONGEST_NAME)),
        away: is_away(answer.status, kind, fault),
        cause,
        ..failure(answer, kind, message)
    }
}

/// The upstream's name for the exchange.
pub(super) fn transaction_id(answer: &Answer) -> Option<String> {
    let told = answer.headers.get(TRANSACTION_ID)?.to_str().ok()?;
    Some(answer.scrubber.clean(told, LONGEST_NAME)).filter(|text| !text.is_empty())
}

/// A failure with what the answer's head tells. What the message repeats of the answer is whole until here: the scrubber
/// finds no secret that was cut before.
pub(super) fn failure(answer: &Answer, kind: FailureKind, message: impl AsRef<str>) -> Failure {
    Failure {
        status: Some(answer.status),
        transaction_id: transaction_id(answer),
        retry_after: retry_after(&answer.headers),
        ..Failure::new(kind, said(answer, message))
    }
}

/// What may be told of what an answer says.
pub(super) fn said(answer: &Answer, text: impl AsRef<str>) -> String {
    answer.scrubber.clean(text.as_ref(), LONGEST_MESSAGE)
}

/// The table from status, shape and code to kind. A company is parked by 400, 401 and 403 alone: during an outage the
/// gateway was seen to answer 500 with 3100, which means something else with 403 (minimul/qbo_api#81).
fn kind_of_fault(status: u16, fault: &Fault) -> FailureKind {
    if status == 429 || fault.is_throttle() {
        return FailureKind::Throttled;
    }
    if status >= 500 || fault.is_of_the_service(status) {
        return FailureKind::UpstreamError;
    }
    match fault.code().as_deref() {
        // 3100: a token of the other environment, or a realm it was not granted for (frappe/erpnext#29161).
        // 120: the user who connected the company was removed. 6190: the subscription has ended.
        Some("3100" | "120" | "6190") if matches!(status, 400 | 401 | 403) => {
            FailureKind::NeedsReauthorisation
        }
        Some("3200" | "100") => FailureKind::Unauthorised,
        // 130: "accessing wrong cluster", passing although it comes as 401 (ej2/python-quickbooks#369).
        Some("130" | "150" | "10000" | "3100" | "120" | "6190") => FailureKind::UpstreamError,
        Some("5030") => FailureKind::NotInPlan,
        Some("5020") => FailureKind::Forbidden,
        Some("4000" | "4001") => FailureKind::BadRequest,
        Some("610") => FailureKind::NotFound,
        _ => match status {
            401 => FailureKind::Unauthorised,
            403 => FailureKind::Forbidden,
            404 => FailureKind::NotFound,
            400..=499 => FailureKind::BadRequest,
            _ => fault.kind_by_class(),
        },
    }
}

/// Whether a failure of that kind says nothing of what was asked for. A 500 with 10000 does: it may be one record.
fn is_away(status: u16, kind: FailureKind, fault: &Fault) -> bool {
    let may_be_a_record = fault.code().as_deref() == Some("10000") && !fault.names_the_server();
    kind == FailureKind::UpstreamError
        && !may_be_a_record
        && (status >= 500 || fault.is_of_the_service(status))
}

/// Without a fault it was not the API that spoke, but something in front of it; what that says about the request
/// is not believed at once.
fn kind_without_fault(status: u16) -> FailureKind {
    match status {
        401 => FailureKind::Unauthorised,
        404 => FailureKind::NotFound,
        429 => FailureKind::Throttled,
        500..=599 => FailureKind::UpstreamError,
        _ => FailureKind::UnexpectedContent,
    }
}

/// A code without leading zeros; none if it is empty.
fn plain(code: &str) -> Option<String> {
    let digits = code.trim().trim_start_matches('0');
    match (code.trim(), digits) {
        ("", _) => None,
        (_, "") => Some("0".to_owned()),
        (_, digits) => Some(digits.to_owned()),
    }
}

/// The text of the first element of that name, in either case.
fn element(xml: &str, name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    [name, lower.as_str()].into_iter().find_map(|name| {
        let after = &xml[xml.find(&format!("<{name}>"))? + name.len() + 2..];
        Some(unescaped(head(&after[..after.find("</")?])))
    })
}

/// An attribute of the tag in which `xml` begins.
fn attribute(xml: &str, name: &str) -> Option<String> {
    let tag = &xml[..xml.find('>')?];
    let after = &tag[tag.find(&format!(" {name}=\""))? + name.len() + 3..];
    Some(unescaped(head(&after[..after.find('"')?])))
}

fn unescaped(xml: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(xml.to_owned(), |text, (escaped, character)| {
        text.replace(escaped, character)
    })
}

#[cfg(test)]
mod tests;
