//! Quarantine: records that cannot be stored as they are, why, and their text as it was served.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use ledgerfleet_connectors::connector_entry;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Panel;
use super::inside::Trouble;
use super::run_plan::Named;
use super::shell::{Commands, Shell, encoded, page, quoted};
use super::visit::{Sent, Visit};

/// Records of an entity that are listed.
const LISTED: usize = 100;

/// Signs of a record's text that are shown.
const SHOWN: usize = 20_000;

/// A record as the API tells it.
#[derive(Deserialize)]
struct Record {
    id: String,
    reason: String,
    observed_at: DateTime<Utc>,
    length: u64,
    kept: u64,
    original: Option<String>,
}

/// The records of an entity.
struct Entity {
    name: &'static str,
    records: Vec<(String, Record)>,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
struct Quarantine {
    s: Shell,
    companies: Vec<String>,
    company: String,
    entities: Vec<Entity>,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let caller = visit.caller()?;
    if let (Some(company), Some(entity), Some(id)) =
        (sent.value("connection"), sent.value("entity"), sent.value("id"))
    {
        return one(&panel, &visit, (company, entity, id)).await;
    }
    let known: Vec<Named> = panel.inside.get(caller, "/api/v1/connections").await?;
    let wanted = sent.value("connection");
    let chosen = known
        .iter()
        .find(|one| Some(one.name.as_str()) == wanted)
        .or_else(|| known.first().filter(|_| wanted.is_none()));
    let mut entities = Vec::new();
    if let Some(company) = chosen {
        for entity in connector_entry(&company.connector).map_or(&[][..], |entry| entry.entities) {
            let path = path_of(&company.name, entity.name);
            let path = format!("/api/v1/quarantine?{path}&limit={LISTED}");
            let records: Vec<Record> = panel.inside.get(caller, &path).await?;
            let place = |record: &Record| {
                let of = path_of(&company.name, entity.name);
                format!("/quarantine?{of}&id={}", encoded(&record.id))
            };
            if !records.is_empty() {
                entities.push(Entity {
                    name: entity.name,
                    records: records
                        .into_iter()
                        .map(|record| (place(&record), record))
                        .collect(),
                });
            }
        }
    }
    page(&Quarantine {
        s: Shell::of(&visit, "nav.quarantine"),
        company: chosen.map(|one| one.name.clone()).unwrap_or_default(),
        companies: known.into_iter().map(|one| one.name).collect(),
        entities,
    })
}

fn path_of(company: &str, entity: &str) -> String {
    format!("connection={}&entity={}", encoded(company), encoded(entity))
}

#[derive(Template)]
#[template(path = "quarantined.html")]
struct Quarantined {
    s: Shell,
    company: String,
    entity: String,
    record: Record,
    back: String,
    commands: Commands,
}

async fn one(
    panel: &Panel,
    visit: &Visit,
    (company, entity, id): (&str, &str, &str),
) -> Result<Response, Trouble> {
    let of = format!("{}&id={}", path_of(company, entity), encoded(id));
    let path = format!("/api/v1/quarantine?{of}");
    let found: Vec<Record> = panel.inside.get(visit.caller()?, &path).await?;
    let missing = || Trouble::new(axum::http::StatusCode::NOT_FOUND, "not_found", String::new());
    let mut record = found.into_iter().next().ok_or_else(missing)?;
    record.original = record.original.map(|text| cut(&text));
    page(&Quarantined {
        s: Shell::of(visit, "quarantine.record"),
        back: format!("/quarantine?connection={}", encoded(company)),
        commands: Commands::reading(
            format!(
                "scheduler records --connection {} --entity {} --quarantined --id {}",
                quoted(company),
                quoted(entity),
                quoted(id)
            ),
            &path,
        ),
        company: company.to_owned(),
        entity: entity.to_owned(),
        record,
    })
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// A record at its source as the API tells it.
#[derive(Deserialize)]
struct Live {
    state: String,
    payload: Option<Box<RawValue>>,
    stored: Option<Stored>,
}

#[derive(Deserialize)]
struct Stored {
    payload: Box<RawValue>,
    ingested_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    s: Shell,
    company: String,
    entity: String,
    id: String,
    live: Live,
    source: String,
    here: String,
    back: String,
}

/// Asks the source for one record, after the price was told.
pub(super) async fn ask(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let word = |name: &str| sent.value(name).unwrap_or_default().to_owned();
    let (company, entity, id) = (word("connection"), word("entity"), word("id"));
    let of = format!("{}&id={}", path_of(&company, &entity), encoded(&id));
    let live: Live = panel
        .inside
        .get(visit.caller()?, &format!("/api/v1/records/live?{of}"))
        .await?;
    page(&LivePage {
        s: Shell::of(&visit, "live.title"),
        source: live
            .payload
            .as_ref()
            .map(|payload| cut(payload.get()))
            .unwrap_or_default(),
        here: live
            .stored
            .as_ref()
            .map(|stored| cut(stored.payload.get()))
            .unwrap_or_default(),
        back: format!("/quarantine?{of}"),
        live,
        company,
        entity,
        id,
    })
}
