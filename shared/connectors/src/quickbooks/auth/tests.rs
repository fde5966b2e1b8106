//! What the token endpoint's answers mean.

use super::*;
use crate::quickbooks::samples::{HTML, answer, json};

type Means = fn(&AuthenticationError) -> bool;

fn sent() -> SecretString {
    SecretString::from("RT-old")
}

fn read(answer: &Answer) -> Result<AccessGrant, AuthenticationError> {
    match answer.status {
        200 => granted(answer, &sent()),
        _ => Err(refused(answer)),
    }
}

#[test]
fn a_grant_holds_the_access_its_life_and_the_new_refresh_token() {
    let grant = read(&json(
        200,
        r#"{"token_type":"bearer","expires_in":3600,"access_token":"AT","refresh_token":"RT-new",
            "x_refresh_token_expires_in":8726399,"x_refresh_token_hard_expires_in":157680000,"id_token":"x"}"#,
    ))
    .unwrap();
    assert_eq!(grant.access.unwrap().expose_secret(), "AT");
    assert_eq!(grant.expires_in, Duration::from_hours(1));
    assert_eq!(grant.rotated.unwrap().expose_secret(), "RT-new");
    assert_eq!(grant.credential_expires_in, Some(Duration::from_secs(8_726_399)));
}

#[test]
fn a_refresh_token_that_stays_the_same_has_not_rotated() {
    for same in [r#","refresh_token":"RT-old""#, r#","refresh_token":"""#, ""] {
        let grant = read(&json(200, format!(r#"{{"access_token":"AT"{same}}}"#))).unwrap();
        assert!(grant.rotated.is_none(), "{same}");
    }
}

#[test]
fn numbers_come_as_strings_too_and_nonsense_counts_as_not_said() {
    let life = |value: &str| {
        let body =
            format!(r#"{{"access_token":"AT","expires_in":{value},"x_refresh_token_expires_in":{value}}}"#);
        let grant = read(&json(200, body)).unwrap();
        (grant.expires_in, grant.credential_expires_in)
    };
    assert_eq!(
        life("\"1800\""),
        (Duration::from_mins(30), Some(Duration::from_mins(30)))
    );
    for nonsense in [
        "null", "-5", "0", "0.5", "\"soon\"", "{}", "[9]", "true", "\"NaN\"", "\"\"", "-1e999",
    ] {
        assert_eq!(life(nonsense), (ACCESS_LIFE, None), "{nonsense}");
    }
    for large in [
        "10000000000000",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "1e19",
        "1e308",
        "1e999",
        "\"inf\"",
        "\"99999999999999999999999999999999999999\"",
    ] {
        assert_eq!(life(large), (LONGEST_ACCESS_LIFE, Some(LONGEST_LIFE)), "{large}");
    }
}

#[test]
fn whatever_else_cannot_be_read_the_new_refresh_token_is_kept() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for odd in [
        r#""access_token":7"#.to_owned(),
        r#""access_token":"""#.to_owned(),
        r#""access_token":null"#.to_owned(),
        r#""access_token":["AT"]"#.to_owned(),
        r#""access_token":"\ud800""#.to_owned(),
        r#""token_type":"bearer""#.to_owned(),
        r#""access_token":"AT","expires_in":1e999"#.to_owned(),
        r#""access_token":"AT","expires_in":{"seconds":3600}"#.to_owned(),
        r#""access_token":"AT","x_refresh_token_expires_in":-1e999"#.to_owned(),
        r#""access_token":"AT","access_token":"AT","expires_in":1,"expires_in":2"#.to_owned(),
        format!(r#""access_token":"AT","more":{deep}"#),
    ] {
        let body = format!(r#"{{{odd},"refresh_token":"RT-new"}}"#);
        let grant = read(&json(200, body)).unwrap();
        let shown = &odd[..odd.len().min(60)];
        assert_eq!(grant.rotated.unwrap().expose_secret(), "RT-new", "{shown}");
        let access = grant.access.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(access, odd.contains(r#"":"AT""#).then_some("AT"), "{shown}");
    }
}

#[test]
fn the_harder_of_two_limits_counts() {
    let body =
        r#"{"access_token":"AT","x_refresh_token_expires_in":900,"x_refresh_token_hard_expires_in":600}"#;
    assert_eq!(
        read(&json(200, body)).unwrap().credential_expires_in,
        Some(Duration::from_mins(10))
    );
}

#[test]
fn a_grant_that_cannot_be_read_is_lost_and_not_repeated() {
    for body in [
        "",
        "{}",
        HTML,
        "[]",
        r#"{"access_token":""}"#,
        r#"{"access_token":7,"refresh_token":"RT-old"}"#,
        r#"{"access_token":"AT","refresh_token":"RT-new""#,
    ] {
        let error = read(&json(200, body)).unwrap_err();
        assert!(matches!(&error, AuthenticationError::Lost(_)), "{body}: {error}");
        assert!(!error.to_string().contains("RT-new"), "{error}");
    }
}

#[test]
fn every_refusal_means_one_thing() {
    let grant = r#"{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}"#;
    let client = r#"{"error":"invalid_client"}"#;
    let refused: Means = |error| matches!(error, AuthenticationError::Refused(_));
    let wrong_keys: Means = |error| matches!(error, AuthenticationError::WrongKeys(_));
    let unavailable: Means = |error| matches!(error, AuthenticationError::Unavailable(_));
    let throttled: Means = |error| matches!(error, AuthenticationError::Throttled(..));
    for (answer, means) in [
        (json(400, grant), refused),
        (json(400, r#"{"error":"invalid_grant"}"#), refused),
        (
            json(400, r#"{"error":"invalid_grant","error_description":null}"#),
            refused,
        ),
        (
            json(400, r#"{"error":"invalid_grant","error_description":7}"#),
            refused,
        ),
        (json(401, client), wrong_keys),
        (json(400, client), wrong_keys),
        (answer(401, "text/html", HTML), wrong_keys),
        (json(400, r#"{"error":"invalid_request"}"#), unavailable),
        (json(429, ""), throttled),
        (answer(500, "text/html", HTML), unavailable),
        (answer(503, "text/html", ""), unavailable),
        (answer(302, "text/html", ""), unavailable),
    ] {
        let error = read(&answer).unwrap_err();
        assert!(means(&error), "HTTP {}: {error}", answer.status);
    }
}

#[test]
fn a_refusal_says_what_the_endpoint_said_and_names_the_exchange() {
    let body = r#"{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}"#;
    let refused = read(&json(400, body)).unwrap_err();
    assert_eq!(refused.transaction_id(), Some("1-65a-7f"));
    let text = refused.to_string();
    assert!(
        text.contains("invalid_grant: Incorrect or invalid refresh token, intuit_tid 1-65a-7f"),
        "{text}"
    );
}

#[test]
fn missing_keys_are_named_before_anything_is_sent() {
    let issuer = Issuer {
        base: None,
        client_id: Some("id".to_owned()),
        client_secret: None,
    };
    let http = HttpClient::new(&ledgerfleet_model::Timings::default()).unwrap();
    let error = issuer.request(&http, &[]).unwrap_err();
    assert!(
        error.to_string().contains("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET"),
        "{error}"
    );
}
