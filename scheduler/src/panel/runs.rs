//! Runs: listed, planned with their price, begun, followed, steered.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_model::{RunState, Segmenting};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Panel;
use super::enter::{Sent, Visit};
use super::forms::once;
use super::inside::{Trouble, read};
use super::shell::{Commands, Shell, page, quoted};

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
    let path = format!("/api/v1/runs/{}", super::shell::encoded(id));
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

/// A company and what can be copied of it.
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

#[derive(Template)]
#[template(path = "run_new.html")]
struct Ask {
    s: Shell,
    companies: Vec<Choice>,
    entities: Vec<Choice>,
    from: String,
    to: String,
    segments: Vec<(Segmenting, bool)>,
}

/// A company as the API tells it.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) connector: String,
}

pub(super) async fn ask(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let known: Vec<Named> = panel.inside.get(visit.caller()?, "/api/v1/connections").await?;
    let chosen = |name: &str, of: &str| sent.values(name).contains(&of);
    let mut entities: Vec<&str> = Vec::new();
    for company in &known {
        for entity in connector_entry(&company.connector).map_or(&[][..], |entry| entry.entities) {
            if !entities.contains(&entity.name) {
                entities.push(entity.name);
            }
        }
    }
    let today = panel.api.parts.clock.now().date_naive();
    let month = super::month::asked(sent.value("month"), today);
    let segment = sent.value("segment").unwrap_or("day");
    page(&Ask {
        s: Shell::of(&visit, "run_new.title"),
        companies: known
            .iter()
            .map(|one| Choice {
                name: one.name.clone(),
                is_chosen: known.len() == 1 || chosen("connection", &one.name),
            })
            .collect(),
        entities: entities
            .iter()
            .map(|name| Choice {
                name: (*name).to_owned(),
                is_chosen: chosen("entity", name),
            })
            .collect(),
        from: sent
            .value("from")
            .map_or_else(|| month.to_string(), ToOwned::to_owned),
        to: sent
            .value("to")
            .map_or_else(|| super::month::end(month).to_string(), ToOwned::to_owned),
        segments: Segmenting::ALL
            .iter()
            .map(|one| (*one, one.as_str() == segment))
            .collect(),
    })
}

/// A plan as the API tells it.
#[derive(Deserialize)]
struct Plan {
    total: Total,
    parts: Vec<Part>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Total {
    segments: u64,
    calls: Calls,
    minutes: f64,
    share_of_month: Option<f64>,
    share_of_left: Option<f64>,
}

#[derive(Deserialize)]
struct Calls {
    least: u64,
    likely: Option<u64>,
}

#[derive(Deserialize)]
struct Part {
    connection: String,
    entity: String,
    segments: u64,
    calls: Calls,
    rows: Option<u64>,
}

#[derive(Template)]
#[template(path = "run_price.html")]
struct Priced {
    s: Shell,
    plan: Plan,
    days: String,
    takes: String,
    shares: Vec<(&'static str, String)>,
    hidden: Vec<(String, String)>,
    back: String,
    commands: Commands,
    once: String,
}

/// What is asked for, and what it costs, before anything is begun.
pub(super) async fn price(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let body = backfill(&sent)?;
    let answer = panel
        .inside
        .post(visit.caller()?, "/api/v1/runs/plan", Some(&body), None)
        .await?;
    let plan: Plan = read(answer.json)?;
    let shell = Shell::of(&visit, "run_price.title");
    let day = |name: &str| sent.value(name).and_then(|day| day.parse().ok());
    let hidden: Vec<(String, String)> = ["connection", "entity", "from", "to", "segment"]
        .into_iter()
        .flat_map(|name| {
            sent.values(name)
                .into_iter()
                .map(move |value| (name.to_owned(), value.to_owned()))
        })
        .collect();
    let back: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&hidden)
        .finish();
    let share = |key, share: Option<f64>| share.map(|share| (key, shell.language.percent(share)));
    page(&Priced {
        days: shell.language.days(day("from"), day("to")),
        takes: shell.language.span(plan.total.minutes * 60.0),
        shares: [
            share("run_price.of_month", plan.total.share_of_month),
            share("run_price.of_left", plan.total.share_of_left),
        ]
        .into_iter()
        .flatten()
        .collect(),
        hidden,
        back: format!("/runs/new?{back}"),
        commands: begin_commands(&sent, &body),
        once: once(),
        plan,
        s: shell,
    })
}

/// The body of a backfill, out of its form.
pub(super) fn backfill(sent: &Sent) -> Result<Value, Trouble> {
    let missing = |what: &str| Trouble::new(StatusCode::BAD_REQUEST, "invalid_request", what.to_owned());
    let list = |name: &str| {
        let values = sent.values(name);
        if values.is_empty() {
            Err(missing(name))
        } else {
            Ok(values)
        }
    };
    Ok(json!({
        "connections": list("connection")?,
        "entities": list("entity")?,
        "from": sent.value("from").ok_or_else(|| missing("from"))?,
        "to": sent.value("to").ok_or_else(|| missing("to"))?,
        "segment": sent.value("segment").unwrap_or("day"),
    }))
}

fn begin_commands(sent: &Sent, body: &Value) -> Commands {
    let list = |name: &str| quoted(&sent.values(name).join(","));
    let word = |name: &str| quoted(sent.value(name).unwrap_or("day"));
    let cli = format!(
        "scheduler backfill --connection {} --entity {} --from {} --to {} --segment {}",
        list("connection"),
        list("entity"),
        word("from"),
        word("to"),
        word("segment"),
    );
    Commands::of(cli, "/api/v1/runs", Some(body))
}
