//! Fault bodies: the shapes in which upstream says no. They differ by who says it: the service, the gateway, the throttle.

use axum::http::header::RETRY_AFTER;
use chrono::{DateTime, Utc};

use super::query::{QueryError, Unservable};
use crate::faults::FaultShape;
use crate::json::Json;
use crate::pacific::answer_time;
use crate::server::reply::Reply;
use crate::switches::{Switches, ThrottleBody};

/// A fault of the service: capitalised keys.
#[derive(Debug, Clone)]
pub(crate) struct ServiceFault {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    /// Digits, sometimes with zeros before them.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: String,
}

impl ServiceFault {
    pub(crate) fn reply(&self, now: DateTime<Utc>) -> Reply {
        Reply::json(self.status, self.body(&answer_time(now)))
    }

    fn body(&self, time: &str) -> String {
        let mut json = Json::default();
        json.element(|json| {
            self.write(json);
            json.text("time", time);
        });
        json.into_string()
    }

    /// Writes the member `Fault`.
    pub(crate) fn write(&self, json: &mut Json) {
        self.write_with(json, |_| {});
    }

    fn write_with(&self, json: &mut Json, more: impl FnOnce(&mut Json)) {
        json.object("Fault", |json| {
            json.array("Error", |json| {
                json.element(|json| {
                    json.text("Message", &self.message);
                    json.text("Detail", &self.detail);
                    json.quoted("code", &self.code);
                    json.text("element", "");
                });
                more(json);
            });
            json.text("type", self.kind);
        });
    }

    /// A body with a second error after the first.
    fn twice(&self, time: &str) -> String {
        let mut json = Json::default();
        json.element(|json| {
            self.write_with(json, |json| {
                json.element(|json| {
                    json.raw_member(r#""Message":"Illegal number format","Detail":"","code":"2080""#);
                });
            });
            json.text("time", time);
        });
        json.into_string()
    }

    /// The same in XML.
    pub(crate) fn xml(&self, now: DateTime<Utc>) -> Reply {
        let Self {
            kind,
            code,
            message,
            detail,
            ..
        } = self;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
             <IntuitResponse time=\"{}\" xmlns=\"http://schema.intuit.com/finance/v3\">\
             <Fault type=\"{kind}\"><Error code=\"{code}\"><Message>{message}</Message><Detail>{detail}</Detail>\
             </Error></Fault></IntuitResponse>",
            answer_time(now)
        );
        Reply::xml(self.status, body)
    }
}

/// A statement, or a request, that makes no sense.
pub(crate) fn validation(code: u32, message: &str, detail: &str, now: DateTime<Utc>) -> Reply {
    refusal(code, message, detail).reply(now)
}

pub(crate) fn refusal(code: u32, message: &str, detail: &str) -> ServiceFault {
    ServiceFault {
        status: 400,
        kind: "ValidationFault",
        code: code.to_string(),
        message: message.to_owned(),
        detail: detail.to_owned(),
    }
}

/// A statement that is not answered.
pub(crate) fn of_query(error: &QueryError) -> ServiceFault {
    match error {
        QueryError::Parse(_) => refusal(4000, "Error parsing query", &error.to_string()),
        QueryError::Validation(_) => refusal(4001, "Invalid query", &error.to_string()),
        QueryError::Refused(code) => refused(*code),
        QueryError::Unservable(Unservable { status, code, .. }) => injected(*status, *code),
    }
}

impl Unservable {
    pub(crate) fn reply(self, now: DateTime<Utc>) -> Reply {
        shaped(self.shape, self.status, self.code, 0, now)
    }
}

/// Something that the company does not have or the client may not see.
pub(crate) fn refused(code: u32) -> ServiceFault {
    match code {
        5020 => refusal(
            5020,
            "Permission Denied Error",
            "Permission Denied Error : You do not have permission to access this feature.",
        ),
        5030 => refusal(
            5030,
            "Feature Not Supported Error",
            "Feature Not Supported Error : The feature is not supported by the company's subscription.",
        ),
        code => refusal(code, "Unsupported Operation", "Operation is not supported"),
    }
}

/// An id that is not there: upstream answers 400 and not 404.
pub(crate) fn object_not_found(now: DateTime<Utc>) -> Reply {
    let detail = "Object Not Found : Something you're trying to use has been made inactive. \
                  Check the fields with accounts, customers, items, vendors or employees.";
    validation(610, "Object Not Found", detail, now)
}

/// An id that is no number where a number is expected.
pub(crate) fn invalid_id(id: &str, now: DateTime<Utc>) -> Reply {
    let detail = format!("Id should be a valid number. Supplied value:{id}");
    validation(2030, "Invalid ID", &detail, now)
}

/// A `Fault` that was asked for.
pub(crate) fn injected(status: u16, code: u32) -> ServiceFault {
    let (kind, message) = match code {
        120 => ("AuthorizationFault", "Authorization Failure"),
        500 => ("SystemFault", "Unsupported Operation"),
        610 => ("ValidationFault", "Object Not Found"),
        3100 => (
            "SERVICE",
            "message=InternalServerError; errorCode=003100; statusCode=500",
        ),
        4002 => ("ValidationFault", "Error processing query"),
        5020 => ("ValidationFault", "Permission Denied Error"),
        5030 => ("ValidationFault", "Feature Not Supported Error"),
        6190 => ("ValidationFault", "Invalid Company Status"),
        ..10_000 => ("ValidationFault", "Business Validation Error"),
        _ => (
            "SystemFault",
            "An application error has occurred while processing your request",
        ),
    };
    let detail = match code {
        500 => "Could not find resource for relative path",
        4002 => "QueryProcessingError: a member of a record is refused",
        _ => "This fault was asked for",
    };
    ServiceFault {
        status,
        kind,
        code: code.to_string(),
        message: message.to_owned(),
        detail: detail.to_owned(),
    }
}

/// A refusal of the gateway: lower-case keys, a time in milliseconds, and a dozen members that are null.
struct GatewayFault<'text> {
    status: u16,
    kind: &'static str,
    code: u32,
    /// The code gets zeros before it until it has so many.
    digits: usize,
    reason: &'static str,
    detail: Option<&'text str>,
}

impl GatewayFault<'_> {
    fn reply(&self, now: DateTime<Utc>) -> Reply {
        let mut json = Json::default();
        json.element(|json| {
            json.raw_member(r#""warnings":null,"intuitObject":null"#);
            json.object("fault", |json| {
                json.array("error", |json| json.element(|json| self.write_error(json)));
                json.text("type", self.kind);
            });
            json.raw_member(
                r#""report":null,"queryResponse":null,"batchItemResponse":[],"attachableResponse":[],"syncErrorResponse":null,"requestId":null"#,
            );
            json.value("time", now.timestamp_millis());
            json.raw_member(r#""status":null,"cdcresponse":[]"#);
        });
        Reply::json(self.status, json.into_string())
    }

    fn write_error(&self, json: &mut Json) {
        let Self {
            status, code, reason, ..
        } = self;
        json.text(
            "message",
            &format!("message={reason}; errorCode={code:06}; statusCode={status}"),
        );
        match self.detail {
            Some(detail) => json.text("detail", detail),
            None => json.value("detail", "null"),
        }
        json.quoted("code", format_args!("{code:0>digits$}", digits = self.digits));
        json.value("element", "null");
    }
}

fn authentication(detail: &str, now: DateTime<Utc>) -> Reply {
    let reason = "AuthenticationFailed";
    GatewayFault {
        status: 401,
        kind: "AUTHENTICATION",
        code: 3200,
        digits: 4,
        reason,
        detail: Some(detail),
    }
    .reply(now)
}

/// An access token that is too old.
pub(crate) fn expired(now: DateTime<Utc>) -> Reply {
    authentication("Token expired", now)
}

/// An access token that was revoked.
pub(crate) fn revoked(now: DateTime<Utc>) -> Reply {
    authentication("Token revoked", now)
}

/// Something that is no access token.
pub(crate) fn malformed_token(now: DateTime<Utc>) -> Reply {
    authentication("Malformed bearer token: too short or too long", now)
}

/// A token of another realm or of the other environment.
pub(crate) fn not_authorized(now: DateTime<Utc>) -> Reply {
    let reason = "ApplicationAuthorizationFailed";
    GatewayFault {
        status: 403,
        kind: "SERVICE",
        code: 3100,
        digits: 4,
        reason,
        detail: None,
    }
    .reply(now)
}

/// A fault that was asked for in a shape that was asked for.
pub(crate) fn shaped(shape: FaultShape, status: u16, code: u32, digits: usize, now: DateTime<Utc>) -> Reply {
    let fault = ServiceFault {
        code: format!("{code:0>digits$}"),
        ..injected(status, code)
    };
    match shape {
        FaultShape::Service => fault.reply(now),
        FaultShape::Double => Reply::json(status, fault.twice(&answer_time(now))),
        FaultShape::Xml => fault.xml(now),
        FaultShape::Html => Reply::html(status, GATEWAY_PAGE),
        FaultShape::Gateway => {
            let (kind, reason, detail) = match code {
                3001 => (
                    "SERVICE",
                    "ThrottleExceeded",
                    Some("The request limit was reached."),
                ),
                3100 => ("SERVICE", "ApplicationAuthorizationFailed", None),
                3200 => ("AUTHENTICATION", "AuthenticationFailed", Some("Token expired")),
                _ => ("SERVICE", "ApplicationError", Some("This fault was asked for")),
            };
            let fault = GatewayFault {
                status,
                kind,
                code,
                digits,
                reason,
                detail,
            };
            fault.reply(now)
        }
    }
}

/// Too many requests, in the body that the switches ask for.
pub(crate) fn throttled(switches: &Switches, now: DateTime<Utc>) -> Reply {
    let status = switches.throttle_status;
    let fault = ServiceFault {
        status,
        kind: "SERVICE",
        code: "3001".to_owned(),
        message: format!("message=ThrottleExceeded; errorCode=003001; statusCode={status}"),
        detail: "The request limit was reached.  Try again later".to_owned(),
    };
    let reply = match switches.throttle_body {
        ThrottleBody::Xml => fault.xml(now),
        ThrottleBody::Json => fault.reply(now),
    };
    match switches.throttle_retry_after {
        Some(seconds) => reply.with(RETRY_AFTER, &seconds.to_string()),
        None => reply,
    }
}

/// Upstream speaks XML to those who do not ask for JSON; the emulator only says so.
pub(crate) fn not_json(now: DateTime<Utc>) -> Reply {
    let fault = ServiceFault {
        status: 406,
        kind: "SystemFault",
        code: "500".to_owned(),
        message: "Unsupported Operation".to_owned(),
        detail: "The emulator speaks JSON only: send Accept: application/json".to_owned(),
    };
    fault.xml(now)
}

/// A path that is none.
pub(crate) fn no_such_path(now: DateTime<Utc>) -> Reply {
    let detail = "System Failure Error: Could not find resource for relative path";
    let message = "An application error has occurred while processing your request";
    ServiceFault {
        status: 404,
        kind: "SystemFault",
        code: "10000".to_owned(),
        message: message.to_owned(),
        detail: detail.to_owned(),
    }
    .reply(now)
}

/// A write: this upstream is for reading.
pub(crate) fn no_writing() -> ServiceFault {
    let detail = "Operation is not supported: the emulator only reads";
    refusal(500, "Unsupported Operation", detail)
}

/// A gateway's page.
pub(crate) const GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>\
    <body><h1>We'll be right back</h1></body></html>\n";
