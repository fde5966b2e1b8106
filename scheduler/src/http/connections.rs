//! Connections: the companies, listed, authorised, paused and resumed.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use chrono_tz::Tz;
use ledgerfleet_ledger::Scope;
use ledgerfleet_model::{ConnectionState, Environment};
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::body;
use super::route::Route;
use super::routes::Routes;
use crate::commands::connection::add::check_name;
use crate::commands::connection::steering::steer;
use crate::consent::Wish;
use crate::countdown;
use crate::views::connections::{ConnectionRow, RefreshRow, ShownConnection};

/// So much of a credential's story is shown.
const NEWEST: u32 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorise {
    name: String,
    #[serde(default)]
    environment: Option<Environment>,
    #[serde(default)]
    time_zone: Option<Tz>,
}

/// Where a person consents.
#[derive(Serialize)]
struct ConsentPage {
    address: String,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get("/api/v1/connections", Scope::Read, "The companies"),
            list,
        )
        .route(
            Route::post(
                "/api/v1/connections/authorize",
                Scope::Connect,
                "Begins a consent: answers the page to open",
            )
            .taking(r#"{"name": "acme", "environment": "sandbox"}"#)
            .answering_secretly(),
            authorize,
        )
        .route(
            Route::get("/api/v1/connections/{name}", Scope::Read, "One company"),
            show,
        )
        .route(
            Route::post(
                "/api/v1/connections/{name}/pause",
                Scope::Connect,
                "Stops asking a company",
            ),
            pause,
        )
        .route(
            Route::post(
                "/api/v1/connections/{name}/resume",
                Scope::Connect,
                "Goes on with a company",
            ),
            resume,
        )
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<ConnectionRow>>, Refusal> {
    let connections = api.seen(&caller).await?;
    Ok(Json(connections.into_iter().map(ConnectionRow).collect()))
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ShownConnection>, Refusal> {
    let connection = api.company(&caller, &name).await?;
    let refreshes = api.ledger().refreshes(connection.id, NEWEST).await?;
    let ends = countdown::ends(&api.parts, &connection).await;
    Ok(Json(ShownConnection {
        connection: ConnectionRow(connection),
        authorise_again_by: ends.and_then(|ends| ends.unused_at),
        consent_ends_at: ends.and_then(|ends| ends.at_the_latest),
        refreshes: refreshes.into_iter().map(RefreshRow::from).collect(),
    }))
}

async fn authorize(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Json<ConsentPage>, Refusal> {
    let asked: Authorise = body(&bytes)?;
    let address = page(&api, &caller, &asked.name, asked.environment, asked.time_zone).await?;
    Ok(Json(ConsentPage { address }))
}

/// The page on which a company is connected, or authorised again. A key that sees some companies only connects no other.
pub(super) async fn page(
    api: &Api,
    caller: &Caller,
    name: &str,
    environment: Option<Environment>,
    time_zone: Option<Tz>,
) -> Result<String, Refusal> {
    check_name(name)?;
    let all = api.ledger().connections().await?;
    let known = all.iter().find(|connection| connection.name == name);
    if caller.connections.is_some() && !known.is_some_and(|known| caller.sees(known.id)) {
        return Err(Refusal::new(
            Cause::NotFound,
            format!("there is no connection `{name}`"),
        ));
    }
    if let (Some(known), Some(asked)) = (known, environment)
        && known.environment != asked
    {
        let detail = format!("{name} lives in the {} environment", known.environment);
        return Err(Refusal::new(Cause::Conflict, detail));
    }
    let redirect_url = api.redirect_url.clone();
    let wish = Wish {
        connector: known
            .map_or("quickbooks", |known| known.connector.as_str())
            .to_owned(),
        name: name.to_owned(),
        environment: known
            .map(|known| known.environment)
            .or(environment)
            .unwrap_or(Environment::Sandbox),
        time_zone: known
            .map(|known| known.time_zone)
            .or(time_zone)
            .unwrap_or(Tz::UTC),
        redirect_url: redirect_url
            .ok_or_else(|| Refusal::new(Cause::Conflict, "quickbooks.redirect_url is not set"))?,
    };
    Ok(api.consenting.begin(&wish).await?.address)
}

async fn pause(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ConnectionRow>, Refusal> {
    steered(&api, &caller, &name, ConnectionState::Paused).await
}

async fn resume(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ConnectionRow>, Refusal> {
    steered(&api, &caller, &name, ConnectionState::Active).await
}

async fn steered(
    api: &Api,
    caller: &Caller,
    name: &str,
    wanted: ConnectionState,
) -> Result<Json<ConnectionRow>, Refusal> {
    let connection = api.company(caller, name).await?;
    steer(&api.parts, &connection, wanted, &caller.name).await?;
    Ok(Json(ConnectionRow(api.company(caller, name).await?)))
}
