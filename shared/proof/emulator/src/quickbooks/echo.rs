//! An echo: an upstream that repeats what it was sent where it says what is wrong.

use axum::http::HeaderName;
use chrono::{DateTime, Utc};

use super::fault_body::ServiceFault;
use crate::faults::EchoPlace;
use crate::json::Json;
use crate::server::reply::Reply;

/// What an echo can repeat.
#[derive(Debug, Default)]
pub(crate) struct Sent<'call> {
    /// The access token, or the refresh token.
    pub(crate) token: &'call str,
    /// What the header `Authorization` holds after its scheme.
    pub(crate) authorization: &'call str,
}

impl Sent<'_> {
    /// `text` with `$TOKEN` and `$AUTHORIZATION` replaced.
    fn within(&self, text: &str) -> String {
        text.replace("$TOKEN", self.token)
            .replace("$AUTHORIZATION", self.authorization)
    }
}

/// The answer that repeats `text` in its place.
pub(super) fn reply(place: EchoPlace, status: u16, text: &str, sent: &Sent<'_>, now: DateTime<Utc>) -> Reply {
    let text = sent.within(text);
    let mut fault = ServiceFault {
        status,
        kind: "AuthenticationFault",
        code: "3200".to_owned(),
        message: "message=AuthenticationFailed; errorCode=003200; statusCode=401".to_owned(),
        detail: "Token rejected".to_owned(),
    };
    match place {
        EchoPlace::Message => fault.message = text,
        EchoPlace::Detail => fault.detail = text,
        EchoPlace::Code => fault.code = text,
        EchoPlace::Xml => {
            fault.detail = text;
            return fault.xml(now);
        }
        EchoPlace::Class => return Reply::json(status, class(&text)),
        EchoPlace::Member => return Reply::json(status, member(&text)),
        EchoPlace::TransactionId => {
            return fault
                .reply(now)
                .with(HeaderName::from_static("intuit_tid"), &text);
        }
        EchoPlace::Error => return Reply::json(status, refusal(&text, "")),
        EchoPlace::Description => return Reply::json(status, refusal("invalid_request", &text)),
        EchoPlace::Page => return Reply::html(status, &format!("<html><body>{text}</body></html>")),
    }
    fault.reply(now)
}

fn class(text: &str) -> String {
    object(|json| json.object("Fault", |json| json.text("type", text)))
}

/// Rows under a name that nobody has asked for.
fn member(text: &str) -> String {
    let empty = |json: &mut Json| json.array(text, |_| {});
    object(|json| json.object("QueryResponse", empty))
}

fn refusal(error: &str, description: &str) -> String {
    object(|json| {
        json.text("error", error);
        json.text("error_description", description);
    })
}

fn object(write: impl FnOnce(&mut Json)) -> String {
    let mut json = Json::default();
    json.element(write);
    json.into_string()
}
