//! Spoken: what was asked and answered, for people who look for what went wrong. At DEBUG alone: answers name customers.

use std::time::Duration;

use reqwest::{Method, Url};
use tracing::{Level, debug, enabled};

use super::{Answer, HttpError};
use crate::scrub::Scrubber;

/// Characters of an address and of a body that are shown.
const LONGEST: usize = 2_000;

/// One request and what came of it.
pub(super) struct Spoken<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) took: Duration,
    pub(super) scrubber: &'a Scrubber,
}

impl Spoken<'_> {
    /// Logs it. Of what is posted, the answer's body is not shown: that is how credentials are exchanged.
    pub(super) fn log(&self, answer: &Result<Answer, HttpError>) {
        if !enabled!(Level::DEBUG) {
            return;
        }
        let (method, took) = (self.method.as_str(), self.took);
        let url = self.scrubber.clean(&readable(self.url), LONGEST);
        match answer {
            Ok(answer) if *self.method == Method::GET => {
                let (status, bytes) = (answer.status, answer.body.len());
                let body = self.body(&answer.body);
                debug!(method, url, status, bytes, ?took, body, "asked and answered");
            }
            Ok(answer) => debug!(method, url, status = answer.status, ?took, "asked and answered"),
            Err(error) => {
                let why = self.scrubber.clean(&error.message, LONGEST);
                debug!(method, url, ?took, why, "asked, and no answer came");
            }
        }
    }

    fn body(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(&body[..body.len().min(2 * LONGEST)]);
        self.scrubber.clean(&without_tokens(&text), LONGEST)
    }
}

/// An address with what is asked as it was before it was encoded: so people read it, and so secrets are found in it.
fn readable(url: &Url) -> String {
    let mut address = url.clone();
    address.set_query(None);
    let asked = url.query_pairs().map(|(name, value)| format!("{name}={value}"));
    let asked: Vec<String> = asked.collect();
    if asked.is_empty() {
        address.into()
    } else {
        format!("{address}?{}", asked.join("&"))
    }
}

/// The same without the values of members named `token`: that of a point of sale writes documents.
fn without_tokens(text: &str) -> String {
    const NAME: &str = "\"token\"";
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NAME) {
        let (before, after) = rest.split_at(at + NAME.len());
        shown.push_str(before);
        shown.push_str(":\"[secret]\"");
        let value = after.split_once('"').map_or("", |(_, value)| value);
        rest = value.split_once('"').map_or("", |(_, rest)| rest);
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_shown_in_words_and_no_secret_with_it() {
        let query = "SELECT count(*) FROM Invoice WHERE TxnDate >= '2026-06-20' AND TxnDate < '2026-06-21'";
        let mut url = Url::parse("https://host.example/v3/company/1/query").unwrap();
        assert_eq!(readable(&url), url.as_str());
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("key", "a secret/key");
        let known = secrecy::SecretString::from("a secret/key");
        let shown = Scrubber::default()
            .knowing([&known])
            .clean(&readable(&url), LONGEST);
        assert_eq!(
            shown,
            format!("https://host.example/v3/company/1/query?query={query}&key=[secret]")
        );
    }

    #[test]
    fn tokens_of_points_of_sale_are_not_shown_and_a_cut_one_neither() {
        for (served, shown) in [
            (
                r#"{"ruc":"1","token":"0f8fad5b","x":[{"token" : "b"}]}"#,
                r#"{"ruc":"1","token":"[secret]","x":[{"token":"[secret]"}]}"#,
            ),
            (r#"{"token":"0f8f"#, r#"{"token":"[secret]""#),
            (r#"{"ruc":"1"}"#, r#"{"ruc":"1"}"#),
        ] {
            assert_eq!(without_tokens(served), shown);
        }
    }
}
