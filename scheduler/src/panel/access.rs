//! Access and health: who has done what, which keys there are, how everything stands.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::Panel;
use super::home::Status;
use super::inside::Trouble;
use super::shell::{Shell, encoded, page};
use super::visit::{Sent, Visit};

/// Lines of the audit on a page.
const LINES: u32 = 50;

#[derive(Deserialize)]
struct Audited {
    at: DateTime<Utc>,
    action: String,
    subject: Option<String>,
    detail: Value,
}

impl Audited {
    fn by(&self) -> &str {
        self.detail["by"].as_str().unwrap_or("–")
    }

    fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or("–")
    }
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Audited>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Key {
    name: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    s: Shell,
    lines: Vec<Audited>,
    keys: Vec<Key>,
    next: Option<String>,
}

pub(super) async fn audit(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let cursor = sent
        .value("cursor")
        .map_or_else(String::new, |cursor| format!("&cursor={}", encoded(cursor)));
    let path = format!("/api/v1/audit?limit={LINES}{cursor}");
    let Page { items, next } = panel.inside.get(visit.caller()?, &path).await?;
    page(&Audit {
        s: Shell::of(&visit, "nav.audit"),
        lines: items,
        keys: panel.inside.get(visit.caller()?, "/api/v1/keys").await?,
        next: next.map(|next| format!("/audit?cursor={}", encoded(&next))),
    })
}

#[derive(Template)]
#[template(path = "health.html")]
struct Health {
    s: Shell,
    status: Status,
}

pub(super) async fn health(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Trouble> {
    page(&Health {
        s: Shell::of(&visit, "nav.health"),
        status: panel.inside.get(visit.caller()?, "/api/v1/status").await?,
    })
}
