//! Faults: everything that Contífico says instead of an answer, and what it means.
//!
//! The text of a refusal stands under `mensaje`, and was also seen under `message`, `detail` and `error`; refused writes
//! have a number in `cod_error`. What stands before the API answers HTML.

use ledgerfleet_model::{Failure, FailureKind};
use serde_json::value::RawValue;

use crate::http::Answer;
use crate::json::Members;
use crate::waiting::retry_after;

/// Characters of a message; the upstream's text in it is what may be long.
const LONGEST_MESSAGE: usize = 380;

/// Characters of a code.
const LONGEST_CODE: usize = 80;

/// Where the text of a refusal stands.
const TEXTS: [&str; 4] = ["mensaje", "message", "detail", "error"];

/// What the API itself says in a refusal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) text: String,
    code: Option<String>,
}

impl Fault {
    /// The refusal in a body, if it is one of the API's own.
    pub(super) fn in_body(body: &[u8]) -> Option<Self> {
        let members: Members<'_> = serde_json::from_slice(body).ok()?;
        Self::in_members(&members)
    }

    /// The same in an object.
    pub(super) fn in_members(members: &Members<'_>) -> Option<Self> {
        let text = |value: &RawValue| {
            serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
        };
        let said = TEXTS.iter().find_map(|name| members.get(name))?;
        let code = ["cod_error", "code"].iter().find_map(|name| members.get(name));
        Some(Self {
            text: text(said),
            code: code.map(text),
        })
    }

    fn says(&self, words: &str) -> bool {
        self.text.to_lowercase().contains(words)
    }
}

/// Whether an answer says that there is no such page: the one before was the last.
pub(super) fn says_past_the_end(answer: &Answer) -> bool {
    let fault = Some(answer)
        .filter(|answer| matches!(answer.status, 400 | 404))
        .and_then(|answer| Fault::in_body(&answer.body));
    fault.is_some_and(|fault| fault.says("fuera del rango") || fault.says("fuera de rango"))
}

/// Whether an answer says that there is no such record (any more): the API's own 404 or 406, and for documents a 400 of
/// these words. A page of HTML says it of an address.
pub(super) fn says_gone(answer: &Answer) -> bool {
    let Some(fault) = Fault::in_body(&answer.body) else {
        return false;
    };
    match answer.status {
        404 | 406 => true,
        400 => fault.says("no encontrado"),
        _ => false,
    }
}

/// The failure that an answer with another status than 200 is.
pub(super) fn refused(answer: &Answer) -> Failure {
    let fault = Fault::in_body(&answer.body);
    let kind = match answer.status {
        401 => FailureKind::Unauthorised,
        403 => FailureKind::Forbidden,
        404 | 406 => FailureKind::NotFound,
        429 => FailureKind::Throttled,
        400..=499 if fault.is_some() => FailureKind::BadRequest,
        500..=599 => FailureKind::UpstreamError,
        _ => FailureKind::UnexpectedContent,
    };
    let message = match &fault {
        Some(fault) => format!("Contífico says: {}", fault.text),
        None => format!("Contífico answered HTTP {} without saying why", answer.status),
    };
    let code = fault.as_ref().and_then(|fault| fault.code.as_deref());
    Failure {
        upstream_code: code.map(|code| answer.scrubber.clean(code, LONGEST_CODE)),
        // A gateway speaks of everything; the others may mean what was asked for.
        away: matches!(answer.status, 502 | 503) || (answer.status == 500 && fault.is_none()),
        ..failure(answer, kind, message)
    }
}

/// A failure with what the answer's head tells.
pub(super) fn failure(answer: &Answer, kind: FailureKind, message: impl AsRef<str>) -> Failure {
    Failure {
        status: Some(answer.status),
        retry_after: retry_after(&answer.headers),
        ..Failure::new(kind, answer.scrubber.clean(message.as_ref(), LONGEST_MESSAGE))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            held: crate::http::HeldBytes::default(),
            scrubber: crate::scrub::Scrubber::default(),
        }
    }

    #[test]
    fn a_refusal_is_of_a_kind_by_its_status_and_tells_the_apis_own_words_wherever_they_stand() {
        use FailureKind::*;
        for (status, body, kind, says) in [
            (
                401,
                r#"{"mensaje":"Falta Credenciales"}"#,
                Unauthorised,
                "Falta Credenciales",
            ),
            (
                403,
                r#"{"detail":"No tiene permisos"}"#,
                Forbidden,
                "No tiene permisos",
            ),
            (
                404,
                r#"{"code":"404","error":"No encontrado"}"#,
                NotFound,
                "No encontrado",
            ),
            (406, r#"{"message":"No encontrado"}"#, NotFound, "No encontrado"),
            (
                400,
                r#"{"mensaje":"id incorrecto","cod_error":1002}"#,
                BadRequest,
                "id incorrecto",
            ),
            (400, "<html>", UnexpectedContent, "HTTP 400"),
            (429, "", Throttled, "HTTP 429"),
            (500, r#"{"mensaje":{"a":1}}"#, UpstreamError, r#"{"a":1}"#),
            (502, "<html>502 Bad Gateway</html>", UpstreamError, "HTTP 502"),
            (301, "", UnexpectedContent, "HTTP 301"),
        ] {
            let failure = refused(&answer(status, body));
            assert_eq!((failure.kind, failure.status), (kind, Some(status)), "{body}");
            assert!(failure.message.contains(says), "{}", failure.message);
        }
        let coded = refused(&answer(400, r#"{"mensaje":"x","cod_error":1002}"#));
        assert_eq!(coded.upstream_code.as_deref(), Some("1002"));
    }

    #[test]
    fn only_the_apis_own_words_say_that_something_is_gone_or_that_pages_are_over() {
        let gone = |status, body| says_gone(&answer(status, body));
        assert!(gone(404, r#"{"mensaje":"No encontrado"}"#) && gone(406, r#"{"detail":"x"}"#));
        assert!(gone(400, r#"{"mensaje":"Documento no encontrado."}"#));
        assert!(!gone(400, r#"{"mensaje":"id incorrecto"}"#));
        assert!(!gone(404, "<html>404</html>") && !gone(404, "") && !gone(500, r#"{"mensaje":"x"}"#));
        let over = |status, body| says_past_the_end(&answer(status, body));
        assert!(over(400, r#"{"code":"400","error":"Pagina fuera del rango"}"#));
        assert!(over(404, r#"{"mensaje":"Pagina fuera del rango"}"#));
        assert!(!over(500, r#"{"mensaje":"Pagina fuera del rango"}"#) && !over(404, "<html>"));
    }
}
