//! Sessions: who has signed in to the panel with a key. A session is a sealed cookie, not a row: it survives a restart, is
//! good at every instance that has the master key, and costs no write. It names the key, which is looked up each time: a key
//! that is revoked ends its sessions at once. What is signed out is remembered until it would be over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HOST};
use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::ConnectionId;
use ledgerfleet_vault::Place;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::{Caller, Holder, caller_of, is_here};
use super::problem::{Cause, Refusal};

/// A session that is not used for so long is over.
const IDLE: TimeDelta = TimeDelta::minutes(30);

/// However much it is used, a session is over after this time.
const LONGEST: TimeDelta = TimeDelta::hours(12);

/// A cookie is sealed anew when its last use is older than this.
const RENEWED: TimeDelta = TimeDelta::minutes(1);

/// A browser keeps a cookie of this name to itself: it comes over TLS, from this host alone, for all of its paths.
const OVER_TLS: &str = "__Host-ledgerfleet";

/// On this machine there is no TLS, and a browser would not take the other name.
const HERE: &str = "ledgerfleet";

/// Somebody who has signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Tells it from others; random.
    id: String,
    holder: Holder,
    began: DateTime<Utc>,
    used: DateTime<Utc>,
}

/// What is remembered of sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// Those that were signed out, and when each would be over.
    ended: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Of this process; what pages prove where nobody has to sign in.
    secret: String,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            ended: Mutex::default(),
            secret: random(),
        }
    }
}

impl Sessions {
    /// Ends a session: whoever has copied its cookie is out, too.
    pub(crate) fn end(&self, session: &Session, now: DateTime<Utc>) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, over| *over > now);
        ended.insert(session.id.clone(), session.began + LONGEST);
    }

    fn is_ended(&self, session: &Session) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.contains_key(&session.id)
    }

    /// What a page of this session sends with whatever it does. A page of another site cannot know it.
    pub(crate) fn proof(&self, session: Option<&Session>) -> String {
        let secret = session.map_or(&self.secret, |session| &session.id);
        let key = blake3::derive_key("ledgerfleet 2026 panel proof of page", secret.as_bytes());
        blake3::Hash::from_bytes(key).to_hex().to_string()
    }
}

impl Session {
    /// A session of a key that was just shown.
    pub(crate) fn begin(holder: Holder, now: DateTime<Utc>) -> Self {
        Self {
            id: random(),
            holder,
            began: now,
            used: now,
        }
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.used >= IDLE || now - self.began >= LONGEST
    }

    /// The header that gives it to a browser.
    pub(crate) fn cookie(&self, api: &Api, headers: &HeaderMap) -> Result<String, Refusal> {
        let text = SecretString::from(serde_json::to_string(self)?);
        let sealed = api.parts.vault.seal(&place(), &text);
        Ok(set(headers, &sealed, ""))
    }

    /// The same session, used now, where its cookie has to be sealed anew.
    pub(crate) fn renewed(&self, now: DateTime<Utc>) -> Option<Self> {
        (now - self.used >= RENEWED).then(|| Self {
            used: now,
            ..self.clone()
        })
    }
}

/// The header that takes the session from a browser.
pub(crate) fn no_cookie(headers: &HeaderMap) -> String {
    set(headers, "", "; Max-Age=0")
}

fn set(headers: &HeaderMap, value: &str, more: &str) -> String {
    let (name, secure) = if is_to_here(headers) {
        (HERE, "")
    } else {
        (OVER_TLS, "; Secure")
    };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")
}

/// Whether a browser asks this machine by its own name.
pub(crate) fn is_to_here(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| is_here(&format!("http://{host}")))
}

/// A cookie of a request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).into_iter();
    all.filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}

/// The session of a request and who is behind it; none where no cookie came. A session that is over is refused.
pub(crate) async fn find(api: &Api, headers: &HeaderMap) -> Result<Option<(Session, Caller)>, Refusal> {
    let name = if is_to_here(headers) { HERE } else { OVER_TLS };
    let Some(sealed) = cookie(headers, name).filter(|sealed| !sealed.is_empty()) else {
        return Ok(None);
    };
    let over = || Refusal::new(Cause::Unauthenticated, "this session is over: sign in again");
    // One of another server on this machine, or of a master key that is no more, is none.
    let Ok(text) = api.parts.vault.open(&place(), sealed) else {
        return Ok(None);
    };
    let session: Session = serde_json::from_str(text.expose_secret()).map_err(|_| over())?;
    if session.is_over(api.parts.clock.now()) || api.sessions.is_ended(&session) {
        return Err(over());
    }
    let caller = caller_of(api, &session.holder).await?;
    Ok(Some((session, caller)))
}

/// Where a cookie is kept: at no company, so that no sealed text of a table opens as one.
#[expect(clippy::default_trait_access, reason = "the type of the id is not named here")]
fn place() -> Place<'static> {
    Place {
        table: "panel.session",
        connection: ConnectionId(Default::default()),
        column: "cookie",
        version: 1,
    }
}

fn random() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_over_when_it_was_not_used_for_long_or_is_old() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let session = |began: i64, used: i64| Session {
            id: String::new(),
            holder: Holder::Key(ledgerfleet_model::ApiKeyId::new()),
            began: now - TimeDelta::minutes(began),
            used: now - TimeDelta::minutes(used),
        };
        for (began, used, over, renewed) in [
            (0, 0, false, false),
            (29, 29, false, true),
            (30, 30, true, true),
            (719, 0, false, false),
            (720, 0, true, false),
        ] {
            let session = session(began, used);
            assert_eq!(session.is_over(now), over, "{began} {used}");
            assert_eq!(session.renewed(now).is_some(), renewed, "{began} {used}");
        }
    }

    #[test]
    fn a_cookie_of_this_machine_has_a_plain_name_and_any_other_is_of_tls_alone() {
        for (host, begins, secure) in [
            ("localhost:8400", "ledgerfleet=x;", false),
            ("127.0.0.1:8400", "ledgerfleet=x;", false),
            ("books.example", "__Host-ledgerfleet=x;", true),
            ("localhost.evil.example", "__Host-ledgerfleet=x;", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            let cookie = set(&headers, "x", "");
            assert!(cookie.starts_with(begins), "{cookie}");
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
            assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        }
    }
}
