//! Home: does anything need me, is the month complete, where are the holes.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::json;

use super::Panel;
use super::forms::once;
use super::inside::Trouble;
use super::month::{Map, Standing, asked, beside, end, together};
use super::shell::{Commands, Shell, encoded, page};
use super::visit::{Sent, Visit};

/// How everything stands, as the API tells it.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the members are those of the API")]
pub(super) struct Status {
    pub(super) status: String,
    pub(super) reasons: Vec<String>,
    pub(super) companies: Vec<Company>,
    pub(super) sync: Vec<InSync>,
}

/// How far an entity of a company is in sync.
#[derive(Deserialize)]
pub(super) struct InSync {
    pub(super) connection: String,
    pub(super) entity: String,
    pub(super) state: String,
    pub(super) lag_seconds: Option<u32>,
    pub(super) last_success_at: Option<DateTime<Utc>>,
    pub(super) message: Option<String>,
    pub(super) next_at: Option<DateTime<Utc>>,
}

impl InSync {
    /// The name of its state in the style sheet.
    pub(super) fn class(&self) -> &'static str {
        match self.state.as_str() {
            "in sync" => "done",
            "first sync" => "running",
            "failing" => "dead",
            _ => "blocked",
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Company {
    pub(super) connection: String,
    pub(super) state: String,
    pub(super) last_success_at: Option<DateTime<Utc>>,
    pub(super) gaps: u64,
    pub(super) dead_letters: u64,
    pub(super) running: u64,
    pub(super) calls_this_month: u64,
    pub(super) sync: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// A company, or an entity of it, in a month.
struct Line {
    name: String,
    entity: String,
    standing: Option<Standing>,
    verdict: String,
    class: &'static str,
    next: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    s: Shell,
    status: Status,
    health_class: &'static str,
    last: Option<(DateTime<Utc>, String)>,
    calls: u64,
    dead: u64,
    month: String,
    month_word: String,
    before: String,
    after: String,
    lines: Vec<Line>,
    entities: Vec<Line>,
    map: String,
    years: u64,
    legend: Vec<(char, &'static str)>,
    once: String,
    sync: Commands,
}

/// Letters of the map and the names of their states in the style sheet.
pub(super) const STATES: [(char, &str); 10] = [
    ('n', "none"),
    ('p', "pending"),
    ('r', "running"),
    ('d', "done"),
    ('e', "empty"),
    ('u', "unproven"),
    ('h', "partial"),
    ('c', "retrying"),
    ('x', "dead"),
    ('b', "blocked"),
];

fn class_of(letter: char) -> &'static str {
    STATES
        .iter()
        .find(|(known, _)| *known == letter)
        .map_or("none", |(_, class)| class)
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let caller = visit.caller()?;
    let shell = Shell::of(&visit, "nav.home");
    let today = panel.api.parts.clock.now().date_naive();
    let month = asked(sent.value("month"), today);
    let status: Status = panel.inside.get(caller, "/api/v1/status").await?;
    let path = format!("/api/v1/coverage/map?from={month}&to={}", end(month));
    let map: Map = panel.inside.get(caller, &path).await?;
    let years = sent
        .value("years")
        .and_then(|years| years.parse().ok())
        .unwrap_or(1)
        .clamp(1, 5);
    let last = status
        .companies
        .iter()
        .filter_map(|one| Some((one.last_success_at?, one.connection.clone())));
    let home = Home {
        health_class: match status.status.as_str() {
            "healthy" => "done",
            "degraded" => "partial",
            _ => "dead",
        },
        last: last.max(),
        calls: status.companies.iter().map(|one| one.calls_this_month).sum(),
        dead: status.companies.iter().map(|one| one.dead_letters).sum(),
        month: shell.language.month(month),
        month_word: month.format("%Y-%m").to_string(),
        before: beside(month, -1),
        after: beside(month, 1),
        lines: status
            .companies
            .iter()
            .map(|one| company_line(&shell, one, &map))
            .collect(),
        entities: map
            .rows
            .iter()
            .map(|row| {
                let standing = row.days();
                Line {
                    name: row.connection.clone(),
                    entity: row.entity.clone(),
                    verdict: shell.word("cell", &standing.worst.to_string()).to_owned(),
                    class: class_of(standing.worst),
                    standing: Some(standing),
                    next: None,
                }
            })
            .collect(),
        map: map_path(today, years),
        years,
        legend: STATES.to_vec(),
        once: once(),
        sync: Commands::of("scheduler sync", "/api/v1/sync", Some(&json!({}))),
        status,
        s: shell,
    };
    page(&home)
}

/// The days that the map shows: whole years to today.
fn map_path(today: NaiveDate, years: u64) -> String {
    let from = today
        .checked_sub_days(Days::new(365 * years - 1))
        .unwrap_or(today);
    format!("/api/v1/coverage/map?from={from}&to={today}")
}

/// A company's verdict, and where to go on.
fn company_line(shell: &Shell, company: &Company, map: &Map) -> Line {
    let rows = map.rows.iter().filter(|row| row.connection == company.connection);
    let standing = together(rows);
    let letter = standing.map_or('n', |standing| standing.worst);
    let on = standing.map_or(0, |standing| standing.on);
    let is_complete = standing.is_some_and(|standing| standing.complete == standing.of);
    let (verdict, next) = match letter {
        _ if is_complete => (shell.t("verdict.complete").to_owned(), None),
        'x' => {
            let query = encoded(&company.connection);
            (
                shell.n("verdict.dead", on),
                Some((format!("/dead-letters?connection={query}"), "verdict.see_why")),
            )
        }
        'b' => {
            let place = encoded(&company.connection);
            (
                shell.n("verdict.blocked", on),
                Some((format!("/connections/{place}"), "verdict.see_why")),
            )
        }
        'p' | 'r' => (
            shell.n("verdict.waiting", on),
            Some(("/runs".to_owned(), "verdict.see_runs")),
        ),
        'c' => (
            shell.n("verdict.cancelled", on),
            Some(("/runs/new".to_owned(), "verdict.fetch")),
        ),
        'u' => (shell.n("verdict.unproven", on), None),
        'h' => (shell.n("verdict.open", on), None),
        _ if standing.is_none() => (
            shell.t("verdict.nothing").to_owned(),
            Some(("/runs/new".to_owned(), "verdict.fetch")),
        ),
        _ => (
            shell.n("verdict.not_asked", on),
            Some(("/runs/new".to_owned(), "verdict.fetch")),
        ),
    };
    Line {
        name: company.connection.clone(),
        entity: String::new(),
        standing,
        verdict,
        class: if is_complete { "done" } else { class_of(letter) },
        next,
    }
}
