//! Authentication: a refresh token or a code in, an access token and the next refresh token out (OAuth 2.0).
//!
//! - An access token lives 60 minutes.
//! - The refresh token's value changes about once a day. The old value must be taken as dead as soon as a new one
//!   was issued, although older documentation grants it another day.
//! - It lives 100 days after its last use, and at most five years after consent; the header
//!   `x-include-refresh-token-hard-expires-in` makes the answer say how much of that is left.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::faults::{LONGEST_NAME, said, transaction_id};
use crate::http::{Answer, HttpClient, HttpError, Sent};
use crate::json::Members;
use crate::waiting::retry_after;
use crate::{AccessGrant, AuthenticationError, NoGrant, Revocation};

/// Where tokens are issued, for both environments.
pub(super) const ISSUER: &str = "https://oauth.platform.intuit.com";

/// Where a person consents, and where a consent is ended (discovery document of OpenID, "authorization_endpoint" and
/// "revocation_endpoint").
const CONSENT: &str = "https://appcenter.intuit.com";
const REVOCATION: &str = "https://developer.api.intuit.com";

/// What is asked for: the accounting API.
const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// Where Intuit's playground for developers sends its own visitors back to.
pub(super) const PLAYGROUND: &str = "https://developer.intuit.com/v2/OAuth2Playground/RedirectUrl";

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
    /// The page on which a person consents.
    pub(super) fn consent_page(
        &self,
        redirect_url: &str,
        state: &str,
    ) -> Result<String, AuthenticationError> {
        let (id, _) = self.keys()?;
        let mut page = self.address(CONSENT, "/connect/oauth2")?;
        page.query_pairs_mut()
            .append_pair("client_id", id)
            .append_pair("response_type", "code")
            .append_pair("scope", SCOPE)
            .append_pair("redirect_uri", redirect_url)
            .append_pair("state", state);
        Ok(page.into())
    }

    /// Exchanges a code for a refresh token. Sends exactly one request.
    pub(super) async fn redeem(
        &self,
        http: &HttpClient,
        code: &SecretString,
        redirect_url: &str,
    ) -> Result<AccessGrant, AuthenticationError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_url),
        ];
        self.grant(&http.clone().keeping([code]), &form, code).await
    }

    /// Ends a consent. Sends exactly one request.
    pub(super) async fn revoke(
        &self,
        http: &HttpClient,
        refresh_token: &SecretString,
    ) -> Result<Revocation, AuthenticationError> {
        let (id, secret) = self.keys()?;
        let url = self.address(REVOCATION, "/v2/oauth2/tokens/revoke")?;
        let body = serde_json::json!({ "token": refresh_token.expose_secret() }).to_string();
        let request = http
            .clone()
            .keeping([refresh_token])
            .post(url)
            .basic_auth(id, Some(secret.expose_secret()))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let answer = http
            .for_exchanges()
            .send_for_at_most(request, LONGEST_ANSWER)
            .await
            .map_err(no_answer)?;
        match answer.status {
            200 => Ok(Revocation::Revoked),
            // Of a token that is dead already, unless it is the app that is refused.
            400 => match refused(&answer) {
                error @ AuthenticationError::WrongKeys(_) => Err(error),
                _ => Ok(Revocation::HadEnded),
            },
            _ => Err(refused(&answer)),
        }
    }

    /// Exchanges a refresh token for an access token. Sends exactly one request.
    pub(super) async fn refresh(
        &self,
        http: &HttpClient,
        refresh_token: &SecretString,
    ) -> Result<AccessGrant, AuthenticationError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.grant(http, &form, refresh_token).await
    }

    async fn grant(
        &self,
        http: &HttpClient,
        form: &[(&str, &str)],
        sent: &SecretString,
    ) -> Result<AccessGrant, AuthenticationError> {
        let request = self.request(http, form)?;
        let answer = http
            .for_exchanges()
            .send_for_at_most(request, LONGEST_ANSWER)
            .await
            .map_err(no_answer)?;
        match answer.status {
            200 => granted(&answer, sent),
            _ => Err(refused(&answer)),
        }
    }

    fn request(
        &self,
        http: &HttpClient,
        form: &[(&str, &str)],
    ) -> Result<RequestBuilder, AuthenticationError> {
        let (id, secret) = self.keys()?;
        let url = self.address(ISSUER, "/oauth2/v1/tokens/bearer")?;
        Ok(http
            .post(url)
            .basic_auth(id, Some(secret.expose_secret()))
            .header(ACCEPT, "application/json")
            .header("x-include-refresh-token-hard-expires-in", "true")
            .form(form))
    }

    fn keys(&self) -> Result<(&str, &SecretString), AuthenticationError> {
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => Ok((id, secret)),
            _ => Err(AuthenticationError::WrongKeys(
                "they are not configured: set LEDGERFLEET_QUICKBOOKS_CLIENT_ID and \
                 LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET"
                    .to_owned()
                    .into(),
            )),
        }
    }

    /// An address of Intuit's, or the same path where everything OAuth is configured to be.
    fn address(&self, own: &str, path: &str) -> Result<Url, AuthenticationError> {
        let base = self.base.as_deref().unwrap_or(own).trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).map_err(|_| {
            AuthenticationError::NotSent("the configured OAuth address is no address".to_owned())
        })
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
        consent_expires_in: seconds("x_refresh_token_hard_expires_in").map(|life| life.min(LONGEST_LIFE)),
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
