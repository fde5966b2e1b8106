//! Dead letters: groups by cause, what a replay would mean, the ladder of it, and hiding them in two steps.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Panel;
use super::forms::once;
use super::inside::Trouble;
use super::run_plan::Named;
use super::shell::{Commands, Shell, encoded, page, quoted};
use super::visit::{Sent, Visit};

/// Letters of a group that are shown.
const SHOWN: usize = 50;

/// How many of a group are tried first.
const CANARY: u64 = 5;

/// The rest is sent so many a minute.
const PER_MINUTE: u64 = 60;

#[derive(Deserialize)]
struct Group {
    fingerprint: String,
    reason: String,
    entity: String,
    message: String,
    count: u64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Letter {
    id: String,
    run_id: String,
    connection: String,
    entity: String,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    message: String,
    attempts: u32,
    died_at: DateTime<Utc>,
    replay_stopped: Option<String>,
}

#[derive(Deserialize)]
struct Preview {
    matching: u64,
    oldest: Vec<Letter>,
}

/// The group that is looked at.
struct Open {
    group: Group,
    preview: Preview,
    canary: Commands,
    rest: Commands,
    canary_once: String,
    rest_once: String,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct DeadLetters {
    s: Shell,
    companies: Vec<String>,
    company: String,
    groups: Vec<(String, bool, Group)>,
    total: u64,
    open: Option<Open>,
    canary: u64,
    per_minute: u64,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let caller = visit.caller()?;
    let company = sent.value("connection").unwrap_or_default();
    let of_company = if company.is_empty() {
        String::new()
    } else {
        format!("?connection={}", encoded(company))
    };
    let path = format!("/api/v1/dead-letters/groups{of_company}");
    let groups: Vec<Group> = panel.inside.get(caller, &path).await?;
    let named: Vec<Named> = panel.inside.get(caller, "/api/v1/connections").await?;
    let total = groups.iter().map(|group| group.count).sum();
    let wanted = sent
        .value("fingerprint")
        .or(groups.first().map(|group| group.fingerprint.as_str()));
    let wanted = wanted.map(ToOwned::to_owned);
    let (mut open, mut lines) = (None, Vec::new());
    for group in groups {
        let is_open = open.is_none() && wanted.as_deref() == Some(group.fingerprint.as_str());
        if is_open {
            open = Some(opened(&panel, &visit, &group, company).await?);
        }
        let company = if company.is_empty() {
            String::new()
        } else {
            format!("&connection={}", encoded(company))
        };
        let place = format!(
            "/dead-letters?fingerprint={}{company}",
            encoded(&group.fingerprint)
        );
        lines.push((place, is_open, group));
    }
    page(&DeadLetters {
        s: Shell::of(&visit, "nav.dead_letters"),
        companies: named.into_iter().map(|one| one.name).collect(),
        company: company.to_owned(),
        groups: lines,
        total,
        open,
        canary: CANARY,
        per_minute: PER_MINUTE,
    })
}

async fn opened(panel: &Panel, visit: &Visit, group: &Group, company: &str) -> Result<Open, Trouble> {
    let which = which(&group.fingerprint, company);
    let path = "/api/v1/dead-letters/preview";
    let answer = panel
        .inside
        .post(visit.caller()?, path, Some(&Value::Object(which.clone())), None)
        .await?;
    let mut preview: Preview = answer.read()?;
    preview.oldest.truncate(SHOWN);
    let mut words = format!(
        "scheduler dlq replay --fingerprint {}",
        quoted(&group.fingerprint)
    );
    if !company.is_empty() {
        words = format!("{words} --connection {}", quoted(company));
    }
    let commands = |cli: &str, more: &str, many: u64| {
        let mut body = which.clone();
        body.insert(more.to_owned(), json!(many));
        Commands::of(
            format!("{words} {cli} {many}"),
            "/api/v1/dead-letters/replay",
            Some(&Value::Object(body)),
        )
    };
    Ok(Open {
        group: Group {
            fingerprint: group.fingerprint.clone(),
            reason: group.reason.clone(),
            entity: group.entity.clone(),
            message: group.message.clone(),
            ..*group
        },
        preview,
        canary: commands("--canary", "canary", CANARY),
        rest: commands("--rate", "per_minute", PER_MINUTE),
        canary_once: once(),
        rest_once: once(),
    })
}

/// Which dead letters a form means.
fn which(fingerprint: &str, company: &str) -> Map<String, Value> {
    let mut which = Map::from_iter([("fingerprint".to_owned(), json!(fingerprint))]);
    if !company.is_empty() {
        which.insert("connections".to_owned(), json!([company]));
    }
    which
}

/// The body that a form means: a group, of a company where one is named.
pub(super) fn chosen(sent: &Sent) -> Map<String, Value> {
    which(
        sent.value("fingerprint").unwrap_or_default(),
        sent.value("connection").unwrap_or_default(),
    )
}

#[derive(Template)]
#[template(path = "drop.html")]
struct Drop {
    s: Shell,
    fingerprint: String,
    company: String,
    matching: u64,
    back: String,
    commands: Commands,
    once: String,
}

/// Hiding is asked for once more, with the number.
pub(super) async fn confirm(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let body = Value::Object(chosen(&sent));
    let path = "/api/v1/dead-letters/preview";
    let answer = panel
        .inside
        .post(visit.caller()?, path, Some(&body), None)
        .await?;
    let preview: Preview = answer.read()?;
    let fingerprint = sent.value("fingerprint").unwrap_or_default().to_owned();
    let shell = Shell::of(&visit, "nav.dead_letters");
    let title = shell.n("drop.title", preview.matching);
    page(&Drop {
        s: shell.titled(title),
        back: format!("/dead-letters?fingerprint={}", encoded(&fingerprint)),
        commands: Commands::of(
            format!("scheduler dlq drop --fingerprint {}", quoted(&fingerprint)),
            "/api/v1/dead-letters/drop",
            Some(&body),
        ),
        fingerprint,
        company: sent.value("connection").unwrap_or_default().to_owned(),
        matching: preview.matching,
        once: once(),
    })
}
