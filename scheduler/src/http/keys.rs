//! Keys: how one is written, and who is behind one.
//!
//! A key is `lfa1_<id>_<secret>`, with 256 random bits of secret. The ledger keeps the secret's hash: a secret of such a size is
//! not found by trying, so a fast hash is enough.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{ApiKey, KnownApiKey, Scope};
use ledgerfleet_model::{ApiKeyId, ConnectionId};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::Api;
use super::problem::{Cause, Refusal};

/// What a key's text begins with: the kind of thing it is, and the version of its form.
const PREFIX: &str = "lfa1_";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The key's name, for the audit.
    pub(crate) name: String,
    /// What tells this caller's requests from those of others.
    pub(crate) identity: String,
    pub(crate) scopes: Vec<Scope>,
    /// The companies that it sees; none where it sees every one.
    pub(crate) connections: Option<Vec<ConnectionId>>,
    /// When the key ends by itself.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Caller {
    fn of_everything(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            identity: name.to_owned(),
            scopes: Scope::ALL.to_vec(),
            connections: None,
            expires_at: None,
        }
    }

    pub(crate) fn sees(&self, connection: ConnectionId) -> bool {
        let only = self.connections.as_ref();
        only.is_none_or(|only| only.contains(&connection))
    }
}

/// A new secret, and the text of the key that has it.
pub(crate) fn make(id: ApiKeyId) -> (String, SecretString) {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let secret = blake3::Hash::from_bytes(bytes).to_hex().to_string();
    let text = format!("{PREFIX}{}_{secret}", id.0.simple());
    (hash(&secret), SecretString::from(text))
}

fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Finds out who asks.
pub(crate) async fn judge(api: &Api, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return without_key(api, headers).await;
    };
    let bearer = header.to_str().ok().and_then(|text| {
        let (scheme, key) = text.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| key.trim().to_owned())
    });
    let key = bearer.ok_or_else(|| refused("the header Authorization is not `Bearer KEY`"))?;
    Ok(holder_of(api, &key).await?.1)
}

/// Who holds a key, as a session remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    /// A key of the ledger.
    Key(ApiKeyId),
    /// The key of the configuration: of this hash, so that another one in its place ends what was begun with it.
    Configured(String),
}

/// The holder of a key's text, and what that one may.
pub(crate) async fn holder_of(api: &Api, key: &str) -> Result<(Holder, Caller), Refusal> {
    if let Some(configured) = &api.key
        && same(&hash(key), &hash(configured.expose_secret()))
    {
        return Ok((
            Holder::Configured(hash(&hash(key))),
            Caller::of_everything("configured"),
        ));
    }
    let (id, secret) = parts_of(key).ok_or_else(|| refused("this is no key"))?;
    let known = api.ledger().api_key(id).await?;
    let known = known.filter(|known| same(&known.hash, &hash(secret)));
    // Whoever knows the secret may know why it is not taken; nobody else may.
    let known = known.ok_or_else(|| refused("this key is unknown"))?;
    Ok((Holder::Key(id), allowed(api, known)?))
}

/// What whoever has shown a key before may do now.
pub(super) async fn caller_of(api: &Api, holder: &Holder) -> Result<Caller, Refusal> {
    match holder {
        Holder::Configured(known) => {
            let now = api.key.as_ref().map(|key| hash(&hash(key.expose_secret())));
            let is_it = now.is_some_and(|now| same(&now, known));
            is_it
                .then(|| Caller::of_everything("configured"))
                .ok_or_else(|| refused("the configured key is another one now"))
        }
        Holder::Key(id) => {
            let known = api.ledger().api_key(*id).await?;
            allowed(api, known.ok_or_else(|| refused("this key is unknown"))?)
        }
    }
}

/// What a key is good for, while it is good.
fn allowed(api: &Api, known: KnownApiKey) -> Result<Caller, Refusal> {
    if known.key.revoked_at.is_some() {
        return Err(refused("this key was revoked"));
    }
    if known.is_over {
        return Err(refused("the time of this key is over"));
    }
    note_use(api, &known.key);
    Ok(Caller {
        name: known.key.name,
        identity: known.key.id.to_string(),
        scopes: known.key.scopes,
        connections: known.key.connections,
        expires_at: known.key.expires_at,
    })
}

/// Notes that a key is in use, to the hour. Nobody waits for it: a file has one writer, who may be at work for long.
fn note_use(api: &Api, key: &ApiKey) {
    let hour = |at: DateTime<Utc>| at.timestamp().div_euclid(3_600);
    let now = api.parts.clock.now();
    if key.last_used_at.is_some_and(|at| hour(at) >= hour(now)) {
        return;
    }
    let (api, id) = (api.clone(), key.id);
    tokio::spawn(async move {
        if let Err(error) = api.ledger().note_api_key_use(id).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the use of a key is not noted");
        }
    });
}

/// As long as there was no key, whoever is on this machine may do everything. A page of the web that a browser shows here is
/// not: it comes with another host, or from another site. Nor is what a proxy passes on.
async fn without_key(api: &Api, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let is_local = api.is_local && is_of_this_machine(headers);
    if api.key.is_some() || !is_local || api.has_keys().await? {
        return Err(refused("a key is needed: Authorization: Bearer KEY"));
    }
    Ok(Caller::of_everything("local"))
}

/// Whether whoever sent this is on this machine. A proxy on this machine passes on what comes from anywhere, often under a
/// host of this machine: its headers tell.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_passed_on = headers.keys().any(|name| adds_a_proxy(name.as_str()));
    let to_here = text(HOST.as_str()).is_some_and(|host| is_here(&format!("http://{host}")));
    let from_here = !headers.contains_key(ORIGIN) || text(ORIGIN.as_str()).is_some_and(is_here);
    let site = text("sec-fetch-site");
    !is_passed_on && to_here && from_here && site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}

/// Whether only a proxy sends this header.
fn adds_a_proxy(header: &str) -> bool {
    matches!(header, "forwarded" | "x-real-ip" | "via") || header.starts_with("x-forwarded-")
}

/// Whether the host of an address is this machine.
pub(super) fn is_here(address: &str) -> bool {
    let host = Url::parse(address).ok();
    match host.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn refused(why: &str) -> Refusal {
    Refusal::new(Cause::Unauthenticated, why)
}

fn parts_of(key: &str) -> Option<(ApiKeyId, &str)> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_once('_')?;
    blake3::Hash::from_hex(secret).ok()?;
    Some((id.parse().ok()?, secret))
}

/// Compares two hashes in a time that tells nothing.
fn same(one: &str, other: &str) -> bool {
    let hash = |text: &str| blake3::Hash::from_hex(text).ok();
    matches!((hash(one), hash(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_its_id_and_a_secret_that_its_hash_knows() {
        let id = ApiKeyId::new();
        let (kept, text) = make(id);
        let (found, secret) = parts_of(text.expose_secret()).unwrap();
        assert_eq!(found, id);
        assert!(same(&kept, &hash(secret)));
        assert!(!same(&kept, &hash(&secret.replace('a', "b").replace('1', "2"))));
        for no_key in ["", "lfa1_", "lfa1_x_y", "lfa2_0_1", "secret"] {
            assert!(parts_of(no_key).is_none(), "{no_key}");
        }
    }

    #[test]
    fn a_page_of_the_web_and_what_a_proxy_passes_on_are_not_of_this_machine() {
        for (host, more, is) in [
            ("localhost:8400", None, true),
            ("127.0.0.1:8400", None, true),
            ("[::1]:8400", None, true),
            ("localhost", Some(("sec-fetch-site", "same-origin")), true),
            ("localhost", Some(("origin", "http://localhost:8400")), true),
            ("localhost", Some(("origin", "http://[::1]:8400")), true),
            ("evil.example:8400", None, false),
            ("localhost.evil.example", None, false),
            ("evil.example@localhost.", None, false),
            ("", None, false),
            ("localhost:8400", Some(("sec-fetch-site", "cross-site")), false),
            ("localhost:8400", Some(("origin", "https://evil.example")), false),
            ("localhost:8400", Some(("origin", "null")), false),
            ("127.0.0.1:8400", Some(("forwarded", "for=192.0.2.1")), false),
            ("127.0.0.1:8400", Some(("x-forwarded-for", "127.0.0.1")), false),
            ("127.0.0.1:8400", Some(("x-forwarded-proto", "https")), false),
            ("127.0.0.1:8400", Some(("x-real-ip", "192.0.2.1")), false),
            ("127.0.0.1:8400", Some(("via", "1.1 proxy")), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some((name, value)) = more {
                headers.insert(name, value.parse().unwrap());
            }
            assert_eq!(is_of_this_machine(&headers), is, "{host} {more:?}");
        }
    }
}
