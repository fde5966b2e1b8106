//! What every shape of fault means.

use std::time::Duration;

use ledgerfleet_model::FailureKind as Kind;
use proptest::prelude::*;

use super::*;
use crate::quickbooks::entities::entity;
use crate::quickbooks::pages::Asked;
use crate::quickbooks::pages::read_page;
use crate::quickbooks::samples::{
    HTML, Table, answer, fault, gateway_fault, json, throttle_xml, with, xml_fault,
};
use crate::waiting::LONGEST_WAIT;

/// The failure that an answer to a request for a page is.
fn read(answer: &Answer) -> Failure {
    read_page(
        answer,
        entity("invoice"),
        Asked {
            size: 10,
            ..Asked::default()
        },
    )
    .unwrap_err()
}

fn validation(status: u16, code: &str) -> Answer {
    json(status, fault("ValidationFault", code, "A message", "A detail"))
}

fn gateway(status: u16, code: &str, name: &str) -> Answer {
    let message = format!("message={name}; errorCode=00{code}; statusCode={status}");
    json(
        status,
        gateway_fault("AUTHENTICATION", code, &message, r#""Token expired""#),
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_fault_means_one_kind_of_failure() {
    let system = fault(
        "SystemFault",
        "10000",
        "An application error has occurred",
        "System Failure Error",
    );
    let throttled_json = fault(
        "SERVICE",
        "003001",
        "message=ThrottleExceeded; errorCode=003001",
        "",
    );
    let table: Table<'_> = &[
        (
            "throttled, as XML",
            answer(429, "application/xml", throttle_xml(429)),
            Kind::Throttled,
        ),
        (
            "throttled, as in 2016",
            answer(403, "text/xml", throttle_xml(403)),
            Kind::Throttled,
        ),
        ("throttled, as JSON", json(429, &throttled_json), Kind::Throttled),
        ("throttled, with 200", json(200, &throttled_json), Kind::Throttled),
        (
            "throttled, XML with 200",
            answer(200, "application/xml", throttle_xml(429)),
            Kind::Throttled,
        ),
        (
            "throttled, XML called JSON",
            json(200, throttle_xml(429)),
            Kind::Throttled,
        ),
        (
            "throttled, without a body",
            answer(429, "text/plain", ""),
            Kind::Throttled,
        ),
        (
            "wrong environment or realm",
            gateway(403, "3100", "AuthorizationFailed"),
            Kind::NeedsReauthorisation,
        ),
        (
            "the user was removed",
            validation(403, "120"),
            Kind::NeedsReauthorisation,
        ),
        (
            "the subscription has ended",
            validation(403, "6190"),
            Kind::NeedsReauthorisation,
        ),
        (
            "the token has expired",
            gateway(401, "3200", "AuthenticationFailed"),
            Kind::Unauthorised,
        ),
        (
            "general authentication, as XML",
            answer(
                401,
                "text/xml",
                xml_fault("AUTHENTICATION", "100", "General", "SRV-110"),
            ),
            Kind::Unauthorised,
        ),
        (
            "401 without a body",
            answer(401, "text/html", ""),
            Kind::Unauthorised,
        ),
        ("wrong cluster", validation(401, "130"), Kind::UpstreamError),
        ("maintenance", validation(403, "150"), Kind::UpstreamError),
        ("system failure", json(500, &system), Kind::UpstreamError),
        (
            "system failure, with 200",
            json(200, &system),
            Kind::UpstreamError,
        ),
        (
            "feature not in the plan",
            validation(400, "5030"),
            Kind::NotInPlan,
        ),
        (
            "feature not in the plan, with 200",
            validation(200, "5030"),
            Kind::NotInPlan,
        ),
        ("permission denied", validation(400, "5020"), Kind::Forbidden),
        ("query not parsed", validation(400, "4000"), Kind::BadRequest),
        ("query not valid", validation(400, "4001"), Kind::BadRequest),
        ("another validation", validation(400, "2010"), Kind::BadRequest),
        ("object not found", validation(400, "610"), Kind::NotFound),
        ("no such address", json(404, "{}"), Kind::NotFound),
        (
            "fault without code: validation",
            validation(200, ""),
            Kind::BadRequest,
        ),
        (
            "fault without code: service",
            json(200, fault("SERVICE", "", "m", "")),
            Kind::UpstreamError,
        ),
        (
            "fault without code: misspelt class",
            json(200, fault("AuthorizatonFault", "", "m", "")),
            Kind::Forbidden,
        ),
        (
            "fault that cannot be read",
            json(200, r#"{"Fault":"gone"}"#),
            Kind::UpstreamError,
        ),
        (
            "a page of the gateway",
            answer(502, "text/html", HTML),
            Kind::UpstreamError,
        ),
        (
            "nothing from the gateway",
            answer(503, "text/html", ""),
            Kind::UpstreamError,
        ),
        (
            "a page with 200",
            answer(200, "text/html", HTML),
            Kind::UnexpectedContent,
        ),
        ("a page called JSON", json(200, HTML), Kind::UnexpectedContent),
        (
            "a page of a proxy",
            answer(403, "text/html", HTML),
            Kind::UnexpectedContent,
        ),
        (
            "a redirect",
            answer(302, "text/html", ""),
            Kind::UnexpectedContent,
        ),
        ("another success", json(204, ""), Kind::UnexpectedContent),
    ];
    for (what, answer, kind) in table {
        let failure = read(answer);
        assert_eq!(failure.kind, *kind, "{what}: {failure}");
        assert_eq!(failure.status, Some(answer.status), "{what}");
        assert_eq!(failure.transaction_id.as_deref(), Some("1-65a-7f"), "{what}");
    }
}

#[test]
fn status_and_shape_come_before_the_code() {
    const AWAY: (Kind, bool) = (Kind::UpstreamError, true);
    const PASSING: (Kind, bool) = (Kind::UpstreamError, false);
    const PARKED: (Kind, bool) = (Kind::NeedsReauthorisation, false);
    let as_json = |status, code: &str, message: &str| json(status, fault("SERVICE", code, message, ""));
    let as_xml = |status, code: &str, message: &str| {
        answer(status, "application/xml", xml_fault("SERVICE", code, message, ""))
    };
    let by_gateway = |status, code: &str, message: &str| {
        let message = format!("message={message}; errorCode=00{code}; statusCode={status}");
        json(status, gateway_fault("SERVICE", code, &message, r#""""#))
    };
    let (internal, refused) = ("InternalServerError", "ApplicationAuthorizationFailed");
    let table = [
        (500, "3100", internal, AWAY),
        (500, "3100", refused, AWAY),
        (503, "3100", refused, AWAY),
        (500, "120", "gone", AWAY),
        (500, "6190", "ended", AWAY),
        (400, "3100", refused, PARKED),
        (401, "3100", refused, PARKED),
        (403, "3100", refused, PARKED),
        (403, "120", "gone", PARKED),
        (403, "6190", "ended", PARKED),
        (403, "3100", internal, PARKED),
        (404, "3100", refused, PASSING),
        (200, "6190", "ended", PASSING),
        (
            400,
            "500",
            "Could not find resource for relative : /v3/company/1/query",
            AWAY,
        ),
        (400, "6000", "An unexpected error occurred: internal error", AWAY),
        (500, "6000", "An unexpected error occurred", AWAY),
        (
            400,
            "6000",
            "A business validation error",
            (Kind::BadRequest, false),
        ),
        (500, "10000", "An application error has occurred", PASSING),
        (500, "10000", internal, AWAY),
        (200, "10000", "An application error has occurred", PASSING),
        (500, "4001", "Invalid query", AWAY),
        (500, "3200", "Token expired", AWAY),
        (401, "3200", "Token expired", (Kind::Unauthorised, false)),
        (401, "130", "wrong cluster", PASSING),
        (403, "5020", "Permission denied", (Kind::Forbidden, false)),
    ];
    for (status, code, message, expected) in table {
        for shaped in [
            as_json(status, code, message),
            as_xml(status, code, message),
            by_gateway(status, code, message),
        ] {
            let failure = read(&shaped);
            assert_eq!(
                (failure.kind, failure.away),
                expected,
                "{status} {code} {message}: {failure}"
            );
        }
    }
    for status in [500, 502, 503, 504] {
        assert!(read(&answer(status, "text/html", HTML)).is_outage(), "{status}");
    }
}

#[test]
fn a_code_is_kept_without_leading_zeros() {
    for (given, kept) in [
        ("003001", Some("3001")),
        ("4001", Some("4001")),
        ("0", Some("0")),
        ("", None),
    ] {
        assert_eq!(
            read(&validation(400, given)).upstream_code.as_deref(),
            kept,
            "{given}"
        );
    }
    let number = json(
        400,
        r#"{"Fault":{"Error":[{"Message":"m","code":610}],"type":"ValidationFault"}}"#,
    );
    assert_eq!(read(&number).upstream_code.as_deref(), Some("610"));
    let in_message = json(
        401,
        r#"{"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401"}]}}"#,
    );
    assert_eq!(read(&in_message).upstream_code.as_deref(), Some("3200"));
}

#[test]
fn the_message_says_what_the_api_said_on_one_line() {
    let body = fault(
        "ValidationFault",
        "4001",
        "Invalid query",
        r"QueryValidationError: property\n 'X' is not queryable",
    );
    let failure = read(&json(400, body));
    assert_eq!(
        failure.message,
        "QuickBooks says: Invalid query: QueryValidationError: property 'X' is not queryable"
    );
    let xml = xml_fault("ValidationFault", "6240", "Duplicate &amp; so on", "&lt;none&gt;");
    assert_eq!(
        read(&answer(400, "text/xml", xml)).message,
        "QuickBooks says: Duplicate & so on: <none>"
    );
    let long = fault("ValidationFault", "4001", &"x".repeat(5_000), "");
    assert!(read(&json(400, long)).message.len() < 400);
}

#[test]
fn the_wrong_environment_is_named() {
    let failure = read(&gateway(403, "3100", "ApplicationAuthorizationFailed"));
    assert!(
        failure.message.contains("wrong environment or realm"),
        "{failure}"
    );
}

#[test]
fn a_company_that_is_refused_says_what_has_to_be_put_right() {
    use ledgerfleet_model::RefusalCause;
    let cause = |answer: &Answer| read(answer).cause;
    let elsewhere = gateway(403, "3100", "ApplicationAuthorizationFailed");
    assert_eq!(cause(&elsewhere), Some(RefusalCause::Place));
    assert_eq!(cause(&validation(403, "120")), Some(RefusalCause::Credential));
    assert_eq!(cause(&json(200, throttle_xml(429))), None);
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    let throttled = || answer(429, "application/xml", throttle_xml(429));
    let wait = |value| read(&with(throttled(), "retry-after", value)).retry_after;
    assert_eq!(read(&throttled()).retry_after, None);
    assert_eq!(wait("60"), Some(Duration::from_mins(1)));
    assert_eq!(wait("0"), Some(Duration::ZERO));
    assert_eq!(wait("99999999999"), Some(LONGEST_WAIT));
    assert_eq!(wait("soon"), None);
    assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    let dated = |value| {
        let answer = with(throttled(), "date", "Wed, 21 Oct 2026 07:28:00 GMT");
        read(&with(answer, "retry-after", value)).retry_after
    };
    assert_eq!(
        dated("Wed, 21 Oct 2026 07:30:00 GMT"),
        Some(Duration::from_mins(2))
    );
    assert_eq!(dated("Wed, 21 Oct 2026 07:20:00 GMT"), Some(Duration::ZERO));
}

proptest! {
    #[test]
    fn fuzz_no_answer_makes_the_fault_parser_panic(
        status in 100u16..600,
        body in prop::collection::vec(any::<u8>(), 0..200),
        markup in "<Fault( type=\"[a-z]{0,3}\"?)?>?(<Error( code=\"[0-9]{0,4}\"?)?>?(<Message>?é?(</)?)?){0,2}",
    ) {
        let _ = read_page(&json(status, &body), entity("invoice"), Asked { size: 10, ..Asked::default() });
        let refused = read_page(&json(status, &markup), entity("invoice"), Asked { size: 10, ..Asked::default() }).is_err();
        prop_assert!(refused);
    }
}
