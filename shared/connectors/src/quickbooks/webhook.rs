//! Webhooks: what Intuit sends when something has changed, read without trust.
//!
//! Two forms are sent: an array of CloudEvents (announced on Intuit's blog in November 2025), and the older object of
//! `eventNotifications`. Neither carries data, and both come twice, late and out of order ("Webhooks", Intuit). So an event
//! is a hint and nothing else: which record of which company is worth a look. Of its verb only one thing is used: whether
//! it says that the record is gone, for verbs differ between Intuit's own pages (`void` and `voided`).
//!
//! One event that cannot be read must not be refused: Intuit would send its whole delivery again, for ever, and hold
//! back what comes after it, for every company of the app.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::ENTITIES;
use crate::EntitySpec;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "intuit-signature";

/// The longest id of a record or a company that is believed; Intuit's have some twenty digits.
const LONGEST_ID: usize = 50;

/// The longest text that is kept of what an event says of itself, in characters.
const LONGEST_KIND: usize = 100;

/// The longest text that is kept of an event that cannot be read, in characters.
const LONGEST_SAMPLE: usize = 300;

/// One event of a delivery; a merge is two, one for each of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The same for the same event, however often it is sent.
    pub key: String,
    /// The company's realm, where it is told.
    pub account: Option<String>,
    /// What it says of itself: `qbo.invoice.updated.v1`, `Invoice Update`.
    pub kind: String,
    /// When it happened, by Intuit's clock.
    pub happened_at: Option<DateTime<Utc>>,
    /// What it is worth.
    pub hint: Hint,
}

/// What an event is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A record is worth a look.
    Record {
        /// Its entity.
        entity: &'static EntitySpec,
        /// Its id.
        id: String,
        /// Whether it is said to be gone.
        gone: bool,
    },
    /// It is of a kind that is not known here.
    UnknownKind,
    /// It cannot be read; the beginning of its text.
    Unreadable(String),
}

/// Whether a body was signed with this token. The signature is HMAC-SHA256 over the bytes as they came, in base64 of the
/// standard alphabet with its padding, and is compared in constant time.
pub fn is_signed(signature: &str, body: &[u8], token: &SecretString) -> bool {
    let Ok(told) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes()) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&told).is_ok()
}

/// The events of a delivery, in either form. What is no delivery at all is one event that cannot be read.
pub fn events(body: &[u8]) -> Vec<WebhookEvent> {
    if let Ok(events) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        return events
            .into_iter()
            .flat_map(|event| cloud_event(event.get()))
            .collect();
    }
    if let Ok(delivery) = serde_json::from_slice::<Classic<'_>>(body) {
        return delivery
            .notifications
            .into_iter()
            .flat_map(notification)
            .collect();
    }
    vec![unreadable(&String::from_utf8_lossy(body))]
}

/// The older form, as far as it holds the events; each is read by itself.
#[derive(serde::Deserialize)]
struct Classic<'a> {
    #[serde(borrow, rename = "eventNotifications")]
    notifications: Vec<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Notification<'a> {
    #[serde(rename = "realmId")]
    realm: Value,
    #[serde(borrow, rename = "dataChangeEvent")]
    change: DataChange<'a>,
}

#[derive(serde::Deserialize)]
struct DataChange<'a> {
    #[serde(borrow)]
    entities: Vec<&'a RawValue>,
}

fn cloud_event(text: &str) -> Vec<WebhookEvent> {
    let Ok(event) = serde_json::from_str::<Value>(text) else {
        return vec![unreadable(text)];
    };
    let (Some(kind), Some(account)) = (event["type"].as_str(), id_in(&event["intuitaccountid"])) else {
        return vec![unreadable(text)];
    };
    let own_id = id_in(&event["id"]);
    let key = own_id.map_or_else(|| key_of(&[text]), |id| key_of(&[&account, &id]));
    let mut words = kind.split('.');
    let (family, entity, verb) = (words.next(), words.next(), words.next());
    let is_ours = family.is_some_and(|family| family.eq_ignore_ascii_case("qbo"));
    let told = Told {
        key,
        account,
        kind,
        happened_at: instant(&event["time"]),
        entity: entity.filter(|_| is_ours).unwrap_or_default(),
        verb: verb.unwrap_or_default(),
        id: id_in(&event["intuitentityid"]),
        absorbed: id_in(&event["data"]["deletedId"]),
    };
    told.events(text)
}

fn notification(text: &RawValue) -> Vec<WebhookEvent> {
    let Ok(notification) = serde_json::from_str::<Notification<'_>>(text.get()) else {
        return vec![unreadable(text.get())];
    };
    let Some(realm) = id_in(&notification.realm) else {
        return vec![unreadable(text.get())];
    };
    let entities = notification.change.entities.into_iter();
    entities
        .flat_map(|entity| classic_event(&realm, entity.get()))
        .collect()
}

fn classic_event(realm: &str, text: &str) -> Vec<WebhookEvent> {
    let Ok(event) = serde_json::from_str::<Value>(text) else {
        return vec![unreadable(text)];
    };
    let (Some(entity), Some(verb)) = (event["name"].as_str(), event["operation"].as_str()) else {
        return vec![unreadable(text)];
    };
    let kind = format!("{entity} {verb}");
    let told = Told {
        // It has no id of its own: the same words of the same company are the same event.
        key: key_of(&[realm, text]),
        account: realm.to_owned(),
        kind: &kind,
        happened_at: instant(&event["lastUpdated"]),
        entity,
        verb,
        id: id_in(&event["id"]),
        absorbed: id_in(&event["deletedId"]),
    };
    told.events(text)
}

/// What both forms tell.
struct Told<'a> {
    key: String,
    account: String,
    kind: &'a str,
    happened_at: Option<DateTime<Utc>>,
    entity: &'a str,
    verb: &'a str,
    id: Option<String>,
    absorbed: Option<String>,
}

impl Told<'_> {
    fn events(self, text: &str) -> Vec<WebhookEvent> {
        let entity = ENTITIES
            .iter()
            .find(|entity| entity.upstream.eq_ignore_ascii_case(self.entity));
        let Some(entity) = entity else {
            return vec![self.event(self.key.clone(), Hint::UnknownKind)];
        };
        let Some(id) = self.id.clone() else {
            return vec![self.event(
                self.key.clone(),
                Hint::Unreadable(beginning(text, LONGEST_SAMPLE)),
            )];
        };
        let is_merge = self.verb.to_ascii_lowercase().starts_with("merge");
        let absorbed = self
            .absorbed
            .clone()
            .filter(|absorbed| is_merge && *absorbed != id);
        let gone = self.verb.to_ascii_lowercase().starts_with("delete");
        let mut events = vec![self.event(self.key.clone(), Hint::Record { entity, id, gone })];
        if let Some(id) = absorbed {
            let hint = Hint::Record {
                entity,
                id,
                gone: true,
            };
            events.push(self.event(format!("{}+", self.key), hint));
        }
        events
    }

    fn event(&self, key: String, hint: Hint) -> WebhookEvent {
        WebhookEvent {
            key,
            account: Some(self.account.clone()),
            kind: beginning(self.kind, LONGEST_KIND),
            happened_at: self.happened_at,
            hint,
        }
    }
}

fn unreadable(text: &str) -> WebhookEvent {
    WebhookEvent {
        key: key_of(&[text]),
        account: None,
        kind: String::new(),
        happened_at: None,
        hint: Hint::Unreadable(beginning(text, LONGEST_SAMPLE)),
    }
}

/// An id as it may be asked for: letters, digits, `-`, `_` and `:`. A number is one, too.
fn id_in(value: &Value) -> Option<String> {
    let id = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return None,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    let is_one = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain);
    is_one.then_some(id)
}

/// `2025-09-10T21:31:25.179851517Z` in the newer form, `2015-10-05T14:42:19-0700` in old captures.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let read =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"));
    Some(read.ok()?.to_utc())
}

fn key_of(parts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

/// The beginning of a text, without what a database or a terminal does not take.
fn beginning(text: &str, characters: usize) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().take(characters).map(plain).collect()
}

#[cfg(test)]
mod tests;
