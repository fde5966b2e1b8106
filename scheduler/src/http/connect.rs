//! Connect: a browser is sent to the page on which a person consents. The way back is served beside it.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Redirect;
use ledgerfleet_ledger::Scope;
use ledgerfleet_model::Environment;
use serde::Deserialize;

use super::Api;
use super::connections::page;
use super::keys::Caller;
use super::problem::Refusal;
use super::read::query;
use super::route::Route;
use super::routes::Routes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connect {
    name: String,
    environment: Option<Environment>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    const QUERY: &[(&str, &str)] = &[
        ("name", "the name that the company has, or gets"),
        ("environment", "sandbox or production"),
    ];
    routes.route(
        Route::get(
            "/connect/quickbooks",
            Scope::Connect,
            "Sends a browser to the page on which a company is connected",
        )
        .with(QUERY)
        .answering(303),
        connect,
    )
}

async fn connect(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Redirect, Refusal> {
    let asked: Connect = query(&uri)?;
    let address = page(&api, &caller, &asked.name, asked.environment, None).await?;
    Ok(Redirect::to(&address))
}
