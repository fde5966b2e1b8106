//! Connections: the companies, their access and how long it lasts, the story of their credentials.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::Panel;
use super::forms::once;
use super::inside::Trouble;
use super::shell::{Commands, Shell, encoded, page, quoted};
use super::visit::Visit;

/// A company as the API tells it.
#[derive(Deserialize)]
struct Company {
    name: String,
    connector: String,
    account: String,
    environment: String,
    time_zone: String,
    state: String,
    state_reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl Company {
    /// The name of its state in the style sheet.
    fn class(&self) -> &'static str {
        match self.state.as_str() {
            "active" => "done",
            "paused" => "blocked",
            _ => "dead",
        }
    }

    fn path(&self) -> String {
        format!("/connections/{}", encoded(&self.name))
    }
}

#[derive(Deserialize)]
struct Details {
    #[serde(flatten)]
    company: Company,
    authorise_again_by: Option<DateTime<Utc>>,
    consent_ends_at: Option<DateTime<Utc>>,
    refreshes: Vec<Refresh>,
}

#[derive(Deserialize)]
struct Refresh {
    refreshed_at: Option<DateTime<Utc>>,
    outcome: Value,
    version: i64,
    worker: String,
}

impl Refresh {
    fn outcome(&self) -> &str {
        self.outcome.as_str().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Connections {
    s: Shell,
    companies: Vec<Company>,
}

pub(super) async fn list(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Trouble> {
    let companies = panel.inside.get(visit.caller()?, "/api/v1/connections").await?;
    page(&Connections {
        s: Shell::of(&visit, "nav.connections"),
        companies,
    })
}

#[derive(Template)]
#[template(path = "connection.html")]
struct Connection {
    s: Shell,
    company: Company,
    ends: Vec<(&'static str, DateTime<Utc>, u64)>,
    refreshes: Vec<Refresh>,
    steps: Vec<(&'static str, &'static str, Commands)>,
    authorise: Option<String>,
    once: String,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Trouble> {
    let path = format!("/api/v1/connections/{}", encoded(&name));
    let details: Details = panel.inside.get(visit.caller()?, &path).await?;
    let now = panel.api.parts.clock.now();
    let left = |end: DateTime<Utc>| u64::try_from((end - now).num_days()).unwrap_or(0);
    let ends = [
        ("connection.unused_until", details.authorise_again_by),
        ("connection.consent_until", details.consent_ends_at),
    ];
    let steered = if details.company.state == "paused" {
        "resume"
    } else {
        "pause"
    };
    let commands = |what: &str| {
        Commands::of(
            format!("scheduler connection {what} {}", quoted(&name)),
            &format!("{path}/{what}"),
            None,
        )
    };
    let label = if steered == "resume" {
        "steer.resume"
    } else {
        "steer.pause"
    };
    page(&Connection {
        s: Shell::of(&visit, "nav.connections").titled(details.company.name.clone()),
        ends: ends
            .into_iter()
            .filter_map(|(key, end)| Some((key, end?, left(end?))))
            .collect(),
        refreshes: details.refreshes,
        steps: vec![
            ("test", "connection.test", commands("test")),
            (steered, label, commands(steered)),
        ],
        authorise: (details.company.connector == "quickbooks")
            .then(|| format!("/connect/quickbooks?name={}", encoded(&name))),
        company: details.company,
        once: once(),
    })
}
