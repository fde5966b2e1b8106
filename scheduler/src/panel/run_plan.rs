//! Run plan: what is to be copied, and what it costs, before anything is begun.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_model::Segmenting;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Panel;
use super::forms::once;
use super::inside::{Trouble, read};
use super::shell::{Commands, Shell, page, quoted};
use super::visit::{Sent, Visit};

/// A company and what can be copied of it.
struct Choice {
    name: String,
    is_chosen: bool,
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
