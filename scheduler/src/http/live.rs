//! Live: one record as its source has it now, beside what is stored of it.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use ledgerfleet_ledger::{RecordFilter, Scope, StoredRecord};
use ledgerfleet_model::{ConnectionState, Served};
use ledgerfleet_planning::entity_of;
use ledgerfleet_upstream::{Found, KnownLessons, LookUps};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::query;
use super::route::Route;
use super::routes::Routes;
use crate::commands::connection::testing::refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: String,
    entity: String,
    id: String,
}

/// A record at its source.
#[derive(Serialize)]
struct Live {
    id: String,
    /// `here`; `gone`; `unservable` where the source has it and cannot serve it; `unstorable` where it is no record that
    /// could be stored, and would go to quarantine.
    state: &'static str,
    payload: Option<Box<RawValue>>,
    stored: Option<StoredRecord>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/records/live",
            Scope::Run,
            "Reads one record from its source by its id, which may cost a metered call; nothing is stored",
        )
        .asking_source()
        .with(&[
            ("connection", "the company"),
            ("entity", "the entity"),
            ("id", "the record's id"),
        ]),
        live,
    )
}

async fn live(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Live>, Refusal> {
    let asked: Which = query(&uri)?;
    let company = api.company(&caller, &asked.connection).await?;
    if company.state == ConnectionState::Paused {
        let detail = format!(
            "{0} is paused, and is not asked: POST /api/v1/connections/{0}/resume",
            company.name
        );
        return Err(Refusal::new(Cause::Conflict, detail));
    }
    let entity = entity_of(&company, &asked.entity)?;
    let (ledger, lessons) = (api.ledger(), KnownLessons::default());
    let mut learner = lessons.learner(ledger, company.id, entity.name).await?;
    let asking = api.asking(&company)?;
    let mut look_ups = LookUps::new(&asking, &learner, entity, [asked.id.clone()]);
    let answered = look_ups.next(&asking, &mut learner).await;
    asking.count_calls(ledger, entity.name).await?;
    let found = answered.map_err(|failure| refused(&company, &failure))?;
    let found = found.and_then(|looked_up| looked_up.found.into_iter().next());
    let (state, payload) = match found.map(|(_, found)| found) {
        Some(Found::Here(Served::Record(record))) => {
            ("here", Some(RawValue::from_string(record.payload.into())?))
        }
        Some(Found::Here(Served::Quarantined(_))) => ("unstorable", None),
        Some(Found::Gone) | None => ("gone", None),
        Some(Found::Unservable) => ("unservable", None),
        Some(Found::Unanswered) => {
            let detail = format!("{} cannot be asked for by id at its source", entity.name);
            return Err(Refusal::new(Cause::InvalidRequest, detail));
        }
    };
    let filter = RecordFilter {
        connection: company.id,
        table: entity.table.to_owned(),
        id: Some(asked.id.clone()),
        from: None,
        to: None,
        limit: 1,
    };
    Ok(Json(Live {
        id: asked.id,
        state,
        payload,
        stored: ledger.records(&filter).await?.pop(),
    }))
}
