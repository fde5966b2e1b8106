//! An echo: an upstream that repeats what it was sent where it says what is wrong.

use axum::http::HeaderName;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::quickbooks::fault_body::ServiceFault;
use crate::server::reply::Reply;

/// Where it repeats it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoPlace {
    /// The message of a fault.
    Message,
    /// Its detail.
    #[default]
    Detail,
    /// Its code.
    Code,
    /// Its type.
    Class,
    /// The detail of a fault in XML.
    Xml,
    /// The name of a member of the answer.
    Member,
    /// The header `intuit_tid`.
    TransactionId,
    /// The `error` of the token endpoint.
    Error,
    /// Its `error_description`.
    Description,
    /// A page of HTML.
    Page,
}

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

impl EchoPlace {
    /// The answer that repeats `text` there.
    pub(crate) fn reply(self, status: u16, text: &str, sent: &Sent<'_>, now: DateTime<Utc>) -> Reply {
        let text = sent.within(text);
        let mut fault = ServiceFault {
            status,
            kind: "AuthenticationFault",
            code: "3200".to_owned(),
            message: "message=AuthenticationFailed; errorCode=003200; statusCode=401".to_owned(),
            detail: "Token rejected".to_owned(),
        };
        match self {
            Self::Message => fault.message = text,
            Self::Detail => fault.detail = text,
            Self::Code => fault.code = text,
            Self::Xml => {
                fault.detail = text;
                return fault.xml(now);
            }
            Self::Class => return Reply::json(status, class(&text)),
            Self::Member => return Reply::json(status, member(&text)),
            Self::TransactionId => {
                return fault
                    .reply(now)
                    .with(HeaderName::from_static("intuit_tid"), &text);
            }
            Self::Error => return Reply::json(status, refusal(&text, "")),
            Self::Description => return Reply::json(status, refusal("invalid_request", &text)),
            Self::Page => return Reply::html(status, &format!("<html><body>{text}</body></html>")),
        }
        fault.reply(now)
    }
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
