//! Authentication: a refresh token in, an access token and the next refresh token out (OAuth 2.0, refresh).
//!
//! - An access token lives 60 minutes.
//! - The refresh token's value changes about once a day. The old value must be taken as dead as soon as a new one
//!   was issued, although older documentation grants it another day.
//! - It lives 100 days after its last use, and at most five years after consent; the header
//!   `x-include-refresh-token-hard-expires-in` makes the answer say how much of that is left.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::faults::{LONGEST_NAME, retry_after, said, transaction_id};
use super::json::Members;
use crate::http::{Answer, HttpClient, HttpError, Sent};
use crate::{AccessGrant, AuthenticationError, NoGrant};

/// Where tokens are issued, for both environments.
pub(super) const ISSUER: &str = "https://oauth.platform.intuit.com";

/// How long an access token lives if the answer does not say.
const ACCESS_LIFE: Duration = Duration::from_hours(1);

/// No access token is believed to live longer: what is renewed too early costs one request.
const LONGEST_ACCESS_LIFE: Duration = Duration::from_hours(24);

/// No refresh token is believed to live longer: twice the five years after consent.
const LONGEST_LIFE: Duration = Duration::from_hours(10 * 365 * 24);

/// The app's keys and where to use them.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) base: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretString>,
}

/// No answer of the token endpoint is longer.
const LONGEST_ANSWER: usize = 1 << 20;

/// The refusal of the token endpoint.
struct Refusal {
    error: String,
    description: String,
}

impl Refusal {
    /// What can be read of it.
    fn of(answer: &Answer) -> Self {
        let members: Members<'_> = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| {
            members
                .get(name)
                .and_then(|value| serde_json::from_str(value.get()).ok())
        };
        Self {
            error: text("error").unwrap_or_default(),
            description: text("error_description").unwrap_or_default(),
        }
    }
}

impl Issuer {
    /// Exchanges a refresh token for an access token. Sends exactly one request.
    pub(super) async fn refresh(
        &self,
        http: &HttpClient,
        refresh_token: &SecretString,
    ) -> Result<AccessGrant, AuthenticationError> {
        let request = self.request(http, refresh_token)?;
        let answer = http
            .for_exchanges()
            .send_for_at_most(request, LONGEST_ANSWER)
            .await
            .map_err(no_answer)?;
        match answer.status {
            200 => granted(&answer, refresh_token),
            _ => Err(refused(&answer)),
        }
    }

    fn request(
        &self,
        http: &HttpClient,
        refresh_token: &SecretString,
    ) -> Result<RequestBuilder, AuthenticationError> {
        let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) else {
            return Err(AuthenticationError::WrongKeys(
                "they are not configured: set LEDGERFLEET_QUICKBOOKS_CLIENT_ID and \
                 LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET"
                    .to_owned()
                    .into(),
            ));
        };
        let base = self.base.as_deref().unwrap_or(ISSUER).trim_end_matches('/');
        let url = Url::parse(&format!("{base}/oauth2/v1/tokens/bearer")).map_err(|_| {
            AuthenticationError::NotSent("the configured OAuth address is no address".to_owned())
        })?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        Ok(http
            .post(url)
            .basic_auth(id, Some(secret.expose_secret()))
            .header(ACCEPT, "application/json")
            .header("x-include-refresh-token-hard-expires-in", "true")
            .form(&form))
    }
}

/// Reads a grant, member by member: what is wrong with one of them must not lose the others, because the new refresh token
/// may be among those.
fn granted(answer: &Answer, sent: &SecretString) -> Result<AccessGrant, AuthenticationError> {
    let members: Members<'_> = std::str::from_utf8(&answer.body)
        .ok()
        .and_then(|text| serde_json::from_str(text.trim_start_matches('\u{feff}')).ok())
        .ok_or_else(|| lost(answer, "the token endpoint answered 200 without tokens"))?;
    let token = |name: &str| members.get(name).and_then(token);
    let access = token("access_token");
    let rotated = token("refresh_token").filter(|token| token.expose_secret() != sent.expose_secret());
    if access.is_none() && rotated.is_none() {
        return Err(lost(answer, "the token endpoint answered 200 without tokens"));
    }
    let seconds = |name: &str| members.get(name).and_then(seconds);
    let limits = [
        seconds("x_refresh_token_expires_in"),
        seconds("x_refresh_token_hard_expires_in"),
    ];
    // It may repeat what it has just given out, too.
    let scrubber = answer.scrubber.knowing(access.iter().chain(&rotated));
    Ok(AccessGrant {
        access,
        expires_in: seconds("expires_in")
            .unwrap_or(ACCESS_LIFE)
            .min(LONGEST_ACCESS_LIFE),
        rotated,
        credential_expires_in: limits
            .into_iter()
            .flatten()
            .min()
            .map(|life| life.min(LONGEST_LIFE)),
        transaction_id: transaction_id(answer).map(|name| scrubber.clean(&name, LONGEST_NAME)),
    })
}

/// The error is not repeated: it might quote the token that it stumbled over.
fn lost(answer: &Answer, reason: &str) -> AuthenticationError {
    AuthenticationError::Lost(NoGrant {
        reason: reason.to_owned(),
        transaction_id: transaction_id(answer),
    })
}

/// A token is a text, and not an empty one.
fn token(value: &RawValue) -> Option<SecretString> {
    let text: String = serde_json::from_str(value.get()).ok()?;
    Some(SecretString::from(text)).filter(|token| !token.expose_secret().is_empty())
}

fn refused(answer: &Answer) -> AuthenticationError {
    let refusal = Refusal::of(answer);
    let text = NoGrant {
        reason: reason(answer, &refusal),
        transaction_id: transaction_id(answer),
    };
    match (answer.status, refusal.error.as_str()) {
        (_, "invalid_grant") => AuthenticationError::Refused(text),
        (_, "invalid_client" | "unauthorized_client") | (401, _) => AuthenticationError::WrongKeys(text),
        (429, _) => AuthenticationError::Throttled(text, retry_after(&answer.headers)),
        _ => AuthenticationError::Unavailable(text),
    }
}

/// `invalid_grant: Incorrect or invalid refresh token, intuit_tid 1-abc`.
fn reason(answer: &Answer, refusal: &Refusal) -> String {
    let mut text = match (refusal.error.as_str(), refusal.description.as_str()) {
        ("", _) => format!("HTTP {}", answer.status),
        (error, "") => said(answer, error),
        (error, description) => said(answer, format!("{error}: {description}")),
    };
    if let Some(transaction) = transaction_id(answer) {
        text.push_str(", intuit_tid ");
        text.push_str(&transaction);
    }
    text
}

fn no_answer(error: HttpError) -> AuthenticationError {
    match error.sent {
        Sent::No => AuthenticationError::NotSent(error.message),
        Sent::Perhaps => AuthenticationError::Lost(error.message.into()),
    }
}

/// A number of seconds, or a string with one (intuit-oauth 4.2.5, README), however large. Anything else, and none at all,
/// counts as not said.
fn seconds(value: &RawValue) -> Option<Duration> {
    let number: f64 = value.get().trim_matches('"').trim().parse().ok()?;
    (number >= 1.0).then(|| Duration::try_from_secs_f64(number.trunc()).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests;
