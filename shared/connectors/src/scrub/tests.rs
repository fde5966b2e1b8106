//! What is taken for a secret, and what is not.

use super::*;

const ACCESS: &str = "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..x/y+z=abcdefghijklmnopqrstuvw";

fn knowing(secrets: &[&str]) -> Scrubber {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    Scrubber::default().knowing(&secrets)
}

/// Whether a part of `secret` that is as long as nothing of it may be stands in `text`.
fn shows(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    secret
        .as_bytes()
        .windows(PIECE)
        .any(|piece| memmem::find(text.as_bytes(), piece).is_some())
}

#[test]
fn no_part_of_a_known_secret_stays_wherever_the_text_is_cut() {
    let plain = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop";
    let scrubber = knowing(&[plain]);
    for before in 0..400 {
        for written in [plain.to_owned(), plain.to_uppercase()] {
            let cleaned = scrubber.clean(&format!("{}{written} and more", ".".repeat(before)), 300);
            assert!(!shows(&cleaned, plain), "{before}: {cleaned}");
        }
    }
    for length in PIECE..plain.len() {
        assert_eq!(
            scrubber.clean(&format!("said {}!", &plain[..length]), 300),
            "said [secret]!"
        );
        assert_eq!(
            scrubber.clean(&format!("said {}!", &plain[length - PIECE..length]), 300),
            "said [secret]!"
        );
    }
    let many = format!("{plain} ").repeat(1_000);
    assert!(!shows(&scrubber.clean(&many, 300), plain));
}

#[test]
fn a_known_secret_is_found_as_it_is_encoded_and_over_the_ends_of_lines() {
    let secret = "p/q+r=s%t u:v-w_x.y~zABCDEFGHI";
    let scrubber = knowing(&[secret]);
    let lower = encoded(secret).replace("%2F", "%2f");
    for written in [secret.to_owned(), encoded(secret), lower] {
        assert_eq!(scrubber.clean(&format!("<{written}>"), 300), "<[secret]>");
    }
    let long = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop";
    let wrapped = format!("{}\n  {}", &long[..20], &long[20..]);
    assert_eq!(knowing(&[long]).clean(&wrapped, 300), "[secret] [secret]");
    let spoilt = format!("{}\u{0}{}", &long[..20], &long[20..]);
    assert_eq!(knowing(&[long]).clean(&spoilt, 300), "[secret]");
}

#[test]
fn what_was_not_sent_is_told_by_how_it_looks() {
    let opaque = "Q0s9kTz1LmP4vXw7YbN2cRd5FgH8jAe3UiO6".repeat(2);
    for (said, kept) in [
        (format!("Token expired: {ACCESS}"), "Token expired: [secret]"),
        (
            "Token expired: abcdefghijkl".to_owned(),
            "Token expired: [secret]",
        ),
        (format!("no such token ({ACCESS})"), "no such token ([secret])"),
        (format!("{}…", &ACCESS[..40]), "[secret]…"),
        (
            "token AB11abcdefghij is not valid".to_owned(),
            "token [secret] is not valid",
        ),
        (
            "token RT1-42-H0-abcdefghij, again".to_owned(),
            "token [secret], again",
        ),
        (format!("<{opaque}>"), "<[secret]>"),
        (format!("<{}>", opaque.to_lowercase()), "<[secret]>"),
        (format!("<{}>", "%65".repeat(20)), "<[secret]>"),
        (
            "Basic YWJjOmRlZg1234567== is wrong".to_owned(),
            "Basic [secret] is wrong",
        ),
        (
            "{\"refresh_token\": \"abcdefgh12345\"}".to_owned(),
            "{\"refresh_token\": \"[secret]\"}",
        ),
        (
            "refresh_token=abcdefgh12345&x=1".to_owned(),
            "refresh_token=[secret]&x=1",
        ),
        (
            "no way to postgres://me:s3cret@db.example:5432/books".to_owned(),
            "no way to postgres://[secret]@db.example:5432/books",
        ),
        (
            "redis://:p@ss@[::1]:6379, again".to_owned(),
            "redis://[secret]@[::1]:6379, again",
        ),
        (
            "CLIENT_SECRET: abcdefgh12345".to_owned(),
            "CLIENT_SECRET: [secret]",
        ),
    ] {
        assert_eq!(Scrubber::default().clean(&said, 300), kept, "{said}");
    }
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    for said in [
        "message=AuthenticationFailed; errorCode=003200; statusCode=401",
        "1-65a7f1c2-7d2b8a1e4c5d6f7a8b9c0d1e",
        "0198a7f2-3b1c-7d2e-9f00-1a2b3c4d5e6f",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "QueryValidationError: property 'MetaData.LastUpdatedTime' is not queryable",
        "https://quickbooks.api.intuit.com/v3/company/9130347000000001/CompanyInfo/9130347000000001",
        "Basic authentication is not supported, bearer tokens are",
        "Token expired: please renew",
        "invalid_grant: Incorrect or invalid refresh token",
        "com.intuit.qbo.LongNameOfAClassThatFailedWithoutAnyReasonGiven.execute",
        "naïve 日本語 ünïcödé",
        "https://host.example:443/a@b and redis://me@host.example",
    ] {
        assert_eq!(knowing(&["eyJ-abcdefghijklmnop"]).clean(said, 300), said);
    }
}

#[test]
fn a_short_secret_is_found_whole_and_none_at_all_finds_nothing() {
    assert_eq!(
        knowing(&["hunter2"]).clean("it was HUNTER2.", 300),
        "it was [secret]."
    );
    assert_eq!(
        knowing(&["", "abc"]).clean("abc and nothing", 300),
        "abc and nothing"
    );
}

#[test]
fn a_text_is_one_line_and_cut_after_it_was_cleaned() {
    assert_eq!(Scrubber::default().clean(" a\u{7}b\r\n\tc ", 300), "ab c");
    assert_eq!(
        Scrubber::default().clean("1\u{202e}2\u{9b}3\u{2066}4", 300),
        "1234"
    );
    assert_eq!(Scrubber::default().clean("abcdef", 3), "abc…");
    let scrubber = knowing(&["abcdefghijklmnopqrst"]);
    assert_eq!(scrubber.clean("12345 abcdefghijklmnopqrst", 10), "12345 [sec…");
    let blanks = "a ".repeat(8 << 20);
    assert!(one_line(&blanks).len() <= LOOKED_AT);
    assert!(one_line(&"é".repeat(1 << 20)).len() <= LOOKED_AT);
}

#[test]
fn what_a_request_carries_is_known_and_never_printed() {
    let client = crate::http::HttpClient::new(&ledgerfleet_model::Timings::default()).unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", "ab/cd+ef gh")];
    let request = client
        .post(Url::parse("http://127.0.0.1:1").unwrap())
        .basic_auth("id", Some("s3cret"))
        .form(&form)
        .build()
        .unwrap();
    let scrubber = Scrubber::default().of_request(&request);
    let basic = request.headers()[AUTHORIZATION]
        .to_str()
        .unwrap()
        .replace("Basic ", "");
    for said in ["ab/cd+ef gh", "ab%2Fcd%2Bef%20gh", &basic] {
        assert_eq!(scrubber.clean(&format!("<{said}>"), 300), "<[secret]>", "{said}");
    }
    assert_eq!(scrubber.clean("refresh_token", 300), "refresh_token");
    let raw = client.get(Url::parse("http://127.0.0.1:1").unwrap());
    let raw = raw.header(AUTHORIZATION, "a-short-key").build().unwrap();
    let told = Scrubber::default()
        .of_request(&raw)
        .clean("no key a-short-key", 300);
    assert_eq!(told, "no key [secret]", "a key without a scheme before it");
    assert!(!format!("{scrubber:?}").contains("ab/cd"));
}
