//! Coverage: which days are complete, and which are not.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, Scope};
use ledgerfleet_model::Connection;
use ledgerfleet_planning::{Gap, check_days, entities_named, gaps_of};
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::problem::Refusal;
use super::read::{ids, names, query};
use super::route::Route;
use super::routes::Routes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: Option<String>,
    entity: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

const QUERY: &[(&str, &str)] = &[
    (
        "connection",
        "names, with commas between; all where it is left out",
    ),
    ("entity", "names, with commas between; all where it is left out"),
    ("from", "first day, as 2026-05-01"),
    ("to", "last day, included"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get(
                "/api/v1/coverage",
                Scope::Read,
                "The windows that were read, and how",
            )
            .with(QUERY),
            coverage,
        )
        .route(
            Route::get(
                "/api/v1/gaps",
                Scope::Read,
                "The days that were asked for and are not complete",
            )
            .with(QUERY),
            gaps,
        )
}

async fn coverage(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<CoverageRow>>, Refusal> {
    let (connections, filter) = filter(&api, &caller, &uri).await?;
    if connections.is_empty() {
        return Ok(Json(Vec::new()));
    }
    Ok(Json(api.ledger().coverage(&filter).await?))
}

async fn gaps(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<Gap>>, Refusal> {
    let (connections, filter) = filter(&api, &caller, &uri).await?;
    if connections.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let covered = api.ledger().coverage(&filter).await?;
    let missing = api.ledger().asked_and_not_read(&filter).await?;
    Ok(Json(gaps_of(&connections, &filter, &covered, &missing)))
}

async fn filter(api: &Api, caller: &Caller, uri: &Uri) -> Result<(Vec<Connection>, CoverageFilter), Refusal> {
    let which: Which = query(uri)?;
    check_days(which.from, which.to)?;
    let connections = api.companies(caller, &names(which.connection.as_deref())).await?;
    let filter = CoverageFilter {
        connections: ids(&connections),
        entities: entities_named(&connections, &names(which.entity.as_deref()))?,
        from: which.from,
        to: which.to,
    };
    Ok((connections, filter))
}
