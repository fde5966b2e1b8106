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
use serde::{Deserialize, Deserializer};

use super::faults::{retry_after, tidy, transaction_id};
use crate::http::{Answer, HttpClient, HttpError, Sent};
use crate::{AccessGrant, AuthenticationError, NoGrant};

/// Where tokens are issued, for both environments.
const ISSUER: &str = "https://oauth.platform.intuit.com";

/// How long an access token lives if the answer does not say.
const ACCESS_LIFE: Duration = Duration::from_hours(1);

/// The app's keys and where to use them.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) base: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretString>,
}

/// The answer of the token endpoint. Numbers also come as strings (intuit-oauth 4.2.5, README).
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    x_refresh_token_expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    x_refresh_token_hard_expires_in: Option<Duration>,
}

/// The refusal of the token endpoint.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Issuer {
    /// Exchanges a refresh token for an access token. Sends exactly one request.
    pub(super) async fn refresh(
        &self,
        http: &HttpClient,
        refresh_token: &SecretString,
    ) -> Result<AccessGrant, AuthenticationError> {
        let request = self.request(http, refresh_token)?;
        let answer = http.send(request).await.map_err(no_answer)?;
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

fn granted(answer: &Answer, sent: &SecretString) -> Result<AccessGrant, AuthenticationError> {
    // The error is not repeated: it might quote the token that it stumbled over.
    let lost = |reason: &str| {
        AuthenticationError::Lost(NoGrant {
            reason: reason.to_owned(),
            transaction_id: transaction_id(answer),
        })
    };
    let granted: Granted = serde_json::from_slice(&answer.body)
        .map_err(|_| lost("the token endpoint answered 200 without tokens"))?;
    if granted.access_token.expose_secret().is_empty() {
        return Err(lost("the token endpoint answered an empty access token"));
    }
    let is_new = |token: &SecretString| {
        !token.expose_secret().is_empty() && token.expose_secret() != sent.expose_secret()
    };
    let limits = [
        granted.x_refresh_token_expires_in,
        granted.x_refresh_token_hard_expires_in,
    ];
    Ok(AccessGrant {
        access: granted.access_token,
        expires_in: granted.expires_in.unwrap_or(ACCESS_LIFE),
        rotated: granted.refresh_token.filter(is_new),
        credential_expires_in: limits.into_iter().flatten().min(),
        transaction_id: transaction_id(answer),
    })
}

fn refused(answer: &Answer) -> AuthenticationError {
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
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
    let mut text = match (refusal.error.as_str(), refusal.error_description.as_str()) {
        ("", _) => format!("HTTP {}", answer.status),
        (error, "") => tidy(error),
        (error, description) => tidy(&format!("{error}: {description}")),
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

/// A number of seconds, or a string with one; anything else counts as not said.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    Ok(number.map(Duration::from_secs))
}

#[cfg(test)]
mod tests;
