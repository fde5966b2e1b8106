//! Runs: listed, followed, steered.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::RunState;
use serde::Deserialize;

use super::Panel;
use super::forms::once;
use super::inside::Trouble;
use super::shell::{Commands, Shell, encoded, page};
use super::visit::{Sent, Visit};

/// Runs on a page, and with each press of *more* so many again.
const RUNS: u32 = 50;
const MOST: u32 = 1_000;

/// A run as the API tells it.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the members are those of the API")]
pub(super) struct Run {
    pub(super) run_id: String,
    pub(super) state: RunState,
    pub(super) connections: Vec<String>,
    pub(super) entities: Vec<String>,
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
    pub(super) segments: u64,
    pub(super) done: u64,
    pub(super) empty: u64,
    pub(super) dead: u64,
    pub(super) cancelled: u64,
    pub(super) pending: u64,
    pub(super) blocked: u64,
    pub(super) running: u64,
    pub(super) rows: u64,
    pub(super) quarantined: u64,
    pub(super) calls: u64,
    pub(super) seconds: f64,
    pub(super) created_at: DateTime<Utc>,
}

impl Run {
    /// The name of its state in the style sheet.
    fn class(&self) -> &'static str {
        match self.state {
            RunState::Active if self.running > 0 => "running",
            RunState::Active => "pending",
            RunState::Paused => "blocked",
            RunState::Done => "done",
            RunState::Dead => "dead",
            RunState::Cancelled => "retrying",
        }
    }

    fn ended(&self) -> u64 {
        self.done + self.dead + self.cancelled
    }

    /// The part that has ended, as per cent.
    fn percent(&self) -> u64 {
        (self.ended() * 100).checked_div(self.segments).unwrap_or(100)
    }

    /// As much of its id as people read out.
    fn short(&self) -> &str {
        self.run_id
            .get(self.run_id.len().saturating_sub(8)..)
            .unwrap_or(&self.run_id)
    }

    /// The parts of its bar: state, where it begins and how long it is, in per cent.
    fn bar(&self) -> Vec<(&'static str, f64, f64)> {
        let parts = [
            ("done", self.done - self.empty.min(self.done)),
            ("empty", self.empty),
            ("running", self.running),
            ("dead", self.dead),
            ("retrying", self.cancelled),
            ("pending", self.pending),
        ];
        #[expect(clippy::cast_precision_loss, reason = "lengths of bars are not exact")]
        let percent = |many: u64| many as f64 * 100.0 / self.segments.max(1) as f64;
        let mut at = 0.0;
        let mut bar = Vec::new();
        for (class, many) in parts {
            bar.push((class, at, percent(many)));
            at += percent(many);
        }
        bar
    }
}

#[derive(Deserialize)]
struct Volume {
    connection: String,
    entity: String,
    segments: u64,
    done: u64,
    empty: u64,
    dead: u64,
    rows: u64,
    calls: u64,
}

#[derive(Deserialize)]
struct Details {
    #[serde(flatten)]
    run: Run,
    volumes: Vec<Volume>,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    s: Shell,
    runs: Vec<Run>,
    more: Option<u32>,
}

pub(super) async fn list(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let limit = sent
        .value("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(RUNS)
        .clamp(1, MOST);
    let path = format!("/api/v1/runs?limit={limit}");
    let runs: Vec<Run> = panel.inside.get(visit.caller()?, &path).await?;
    let is_full = runs.len() as u64 >= u64::from(limit) && limit < MOST;
    page(&RunsPage {
        s: Shell::of(&visit, "nav.runs"),
        more: is_full.then_some((limit + RUNS).min(MOST)),
        runs,
    })
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    s: Shell,
    run: Run,
    volumes: Vec<Volume>,
    steps: Vec<(&'static str, Commands)>,
    once: String,
    is_over: bool,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let Details { run, volumes } = details(&panel, &visit, &id).await?;
    let shell = Shell::of(&visit, "nav.runs");
    let title = shell.a("run.title", run.short());
    let steps: &[&str] = match run.state {
        RunState::Active => &["pause"],
        RunState::Paused => &["resume"],
        RunState::Done | RunState::Dead | RunState::Cancelled => &[],
    };
    page(&RunPage {
        s: shell.titled(title),
        steps: steps
            .iter()
            .map(|&what| (what, steering(&run.run_id, what)))
            .collect(),
        is_over: run.state.is_over(),
        run,
        volumes,
        once: once(),
    })
}

async fn details(panel: &Panel, visit: &Visit, id: &str) -> Result<Details, Trouble> {
    let path = format!("/api/v1/runs/{}", encoded(id));
    panel.inside.get(visit.caller()?, &path).await
}

fn steering(id: &str, what: &str) -> Commands {
    Commands::of(
        format!("scheduler run {what} {id}"),
        &format!("/api/v1/runs/{id}/{what}"),
        None,
    )
}

#[derive(Template)]
#[template(path = "cancel.html")]
struct Cancel {
    s: Shell,
    run: Run,
    commands: Commands,
    once: String,
}

/// What cannot be undone is asked for once more.
pub(super) async fn confirm(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Path((id, what)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    if what != "cancel" {
        return Err(Trouble::new(StatusCode::NOT_FOUND, "not_found", String::new()));
    }
    let Details { run, .. } = details(&panel, &visit, &id).await?;
    let shell = Shell::of(&visit, "nav.runs");
    let title = shell.a("cancel.title", run.short());
    page(&Cancel {
        s: shell.titled(title),
        commands: steering(&run.run_id, "cancel"),
        run,
        once: once(),
    })
}
