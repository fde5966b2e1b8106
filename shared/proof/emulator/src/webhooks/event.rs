//! An event, in the two forms in which Intuit has sent them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::WebhookForm;

/// Something that has happened to a record.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) realm: String,
    /// In upstream's spelling.
    pub(crate) entity: &'static str,
    pub(crate) id: String,
    pub(crate) verb: Verb,
    pub(crate) at: DateTime<Utc>,
    /// No other event has it.
    pub(crate) number: u64,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    Void,
}

impl Verb {
    fn classic(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Void => "Void",
        }
    }

    fn cloud(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
            Self::Void => "voided",
        }
    }
}

/// The body of a delivery.
pub(super) fn body(events: &[Event], form: WebhookForm, number: u64) -> String {
    let is_classic = match form {
        WebhookForm::CloudEvents => false,
        WebhookForm::Classic => true,
        WebhookForm::Both => number % 2 == 1,
    };
    if is_classic {
        classic(events).to_string()
    } else {
        events.iter().map(cloud_event).collect::<Value>().to_string()
    }
}

fn cloud_event(event: &Event) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("00000000-0000-4000-8000-{:012x}", event.number),
        "source": "intuit.emulated",
        "type": format!("qbo.{}.{}.v1", event.entity.to_ascii_lowercase(), event.verb.cloud()),
        "datacontenttype": "application/json",
        "time": event.at.to_rfc3339_opts(SecondsFormat::Nanos, true),
        "intuitentityid": event.id,
        "intuitaccountid": event.realm,
        "data": {},
    })
}

/// One notification for each realm.
fn classic(events: &[Event]) -> Value {
    let mut realms: Vec<&str> = events.iter().map(|event| event.realm.as_str()).collect();
    realms.sort_unstable();
    realms.dedup();
    let of_realm = |realm: &str| {
        let of_it = events.iter().filter(|event| event.realm == realm);
        let entities: Vec<Value> = of_it.map(classic_event).collect();
        json!({ "realmId": realm, "dataChangeEvent": { "entities": entities } })
    };
    let notifications: Vec<Value> = realms.into_iter().map(of_realm).collect();
    json!({ "eventNotifications": notifications })
}

fn classic_event(event: &Event) -> Value {
    json!({
        "name": event.entity,
        "id": event.id,
        "operation": event.verb.classic(),
        "lastUpdated": event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
    })
}
