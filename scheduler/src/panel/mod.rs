//! Panel: the pages of `serve` at `/`, for people with a browser. It is a client of the HTTP API like any other, only that it
//! asks inside the process: what a page shows was answered by a route, and what a button does is what a route does, with the
//! same scopes, the same audit and the same memory of what was asked before. There is no second way to the ledger.
//!
//! Pages are rendered here and work without script; scripts paint the map and keep a run's progress fresh.

mod access;
mod actions;
mod assets;
mod connections;
mod counted;
mod dead_letters;
mod enter;
mod forms;
mod home;
mod inside;
mod letter;
mod locale;
mod month;
mod protect;
mod quarantine;
mod quota;
mod run_plan;
mod runs;
mod shell;
mod sign_in;
mod texts;
mod verified;
mod visit;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::http::Api;
use inside::Inside;

/// What the pages need. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    api: Api,
    inside: Inside,
}

/// All pages of the panel.
pub(crate) fn router(api: &Api) -> Router {
    let panel = Panel {
        api: api.clone(),
        inside: Inside::of(api),
    };
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/runs", get(runs::list).post(actions::begin_run))
        .route("/runs/new", get(run_plan::ask).post(run_plan::price))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/{what}", get(runs::confirm).post(actions::steer_run))
        .route("/dead-letters", get(dead_letters::show))
        .route("/dead-letters/replay", post(actions::replay))
        .route(
            "/dead-letters/drop",
            get(dead_letters::confirm).post(actions::drop_letters),
        )
        .route("/dead-letters/{id}", get(letter::show))
        .route("/verified", get(verified::ask).post(verified::price))
        .route("/verified/begin", post(verified::begin))
        .route("/verified/{id}", get(verified::show))
        .route("/quarantine", get(quarantine::show))
        .route("/quarantine/ask", post(quarantine::ask))
        .route("/quota", get(quota::show))
        .route("/connections", get(connections::list))
        .route("/connections/{name}", get(connections::show))
        .route("/connections/{name}/{what}", post(actions::steer_connection))
        .route("/sync", post(actions::sync))
        .route("/audit", get(access::audit))
        .route("/state", get(access::health))
        .route("/sign-in", get(sign_in::ask).post(sign_in::check))
        .route("/sign-out", post(sign_in::leave))
        .route("/choose", post(sign_in::choose));
    pages
        .route_layer(from_fn_with_state(panel.clone(), enter::enter))
        .route("/panel/{file}", get(assets::serve))
        .with_state(panel)
}
