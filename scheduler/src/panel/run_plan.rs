//! Run plan: what is to be copied, and what it costs, before anything is begun.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::NaiveDate;
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_model::Segmenting;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Panel;
use super::forms::once;
use super::inside::Trouble;
use super::shell::{Commands, Shell, page, quoted};
use super::visit::{Sent, Visit};

/// A company, or what can be copied of it.
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

/// What a form offers to choose from, as it was chosen before.
pub(super) struct Choices {
    pub(super) companies: Vec<Choice>,
    pub(super) entities: Vec<Choice>,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Template)]
#[template(path = "run_new.html")]
struct Ask {
    s: Shell,
    choices: Choices,
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
    let segment = sent.value("segment").unwrap_or("day");
    page(&Ask {
        s: Shell::of(&visit, "run_new.title"),
        choices: choices(&panel, &visit, &sent).await?,
        segments: Segmenting::ALL
            .iter()
            .map(|one| (*one, one.as_str() == segment))
            .collect(),
    })
}

/// The companies, what can be copied of any of them, and the days that are meant: a month where none are named.
pub(super) async fn choices(panel: &Panel, visit: &Visit, sent: &Sent) -> Result<Choices, Trouble> {
    let known: Vec<Named> = panel.inside.get(visit.caller()?, "/api/v1/connections").await?;
    let mut entities: Vec<&str> = Vec::new();
    for company in &known {
        for entity in connector_entry(&company.connector).map_or(&[][..], |entry| entry.entities) {
            if !entities.contains(&entity.name) {
                entities.push(entity.name);
            }
        }
    }
    let choice = |of: &str, name: &str, is_only: bool| Choice {
        name: name.to_owned(),
        is_chosen: is_only || sent.values(of).contains(&name),
    };
    let today = panel.api.parts.clock.now().date_naive();
    let month = super::month::asked(sent.value("month"), today);
    let day = |name: &str, usual: NaiveDate| {
        sent.value(name)
            .map_or_else(|| usual.to_string(), ToOwned::to_owned)
    };
    Ok(Choices {
        companies: known
            .iter()
            .map(|one| choice("connection", &one.name, known.len() == 1))
            .collect(),
        entities: entities
            .into_iter()
            .map(|name| choice("entity", name, false))
            .collect(),
        from: day("from", month),
        to: day("to", super::month::end(month)),
    })
}

/// A plan as the API tells it.
#[derive(Deserialize)]
pub(super) struct Plan {
    pub(super) total: Total,
    parts: Vec<Part>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Total {
    segments: u64,
    pub(super) calls: Calls,
    pub(super) minutes: f64,
    share_of_month: Option<f64>,
    pub(super) share_of_left: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Calls {
    pub(super) least: u64,
    pub(super) likely: Option<u64>,
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
    let plan: Plan = answer.read()?;
    let shell = Shell::of(&visit, "run_price.title");
    let day = |name: &str| sent.value(name).and_then(|day| day.parse().ok());
    let hidden = fields(&sent, &["connection", "entity", "from", "to", "segment"]);
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
        back: format!("/runs/new?{}", question_of(&hidden)),
        hidden,
        commands: begin_commands(&sent, &body),
        once: once(),
        plan,
        s: shell,
    })
}

/// What was filled in under these names, in their order.
pub(super) fn fields(sent: &Sent, names: &[&str]) -> Vec<(String, String)> {
    let of = |name: &str| {
        let values = sent.values(name).into_iter();
        let pairs = values.map(|value| (name.to_owned(), value.to_owned()));
        pairs.collect::<Vec<_>>()
    };
    names.iter().flat_map(|name| of(name)).collect()
}

/// The same as a query.
pub(super) fn question_of(fields: &[(String, String)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields).finish()
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
