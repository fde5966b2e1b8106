//! The control surface: `/__emulator/…`, where tests and people ask for the truth and make things go wrong.

mod clock;
mod consent;
pub(crate) mod disconnect;
mod faults;
pub(crate) mod mutate;
mod refusal;
pub(crate) mod requests;
pub(crate) mod truth;
mod webhooks;

pub use requests::{CompanySummary, Summary};

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::upstream::Upstream;

pub(crate) fn routes() -> Router<Arc<Upstream>> {
    Router::new()
        .route("/__emulator/info", get(info))
        .route("/__emulator/requests", get(requests::serve))
        .route("/__emulator/truth/{company}/{entity}", get(truth::serve))
        .route("/__emulator/truth/{company}", get(truth::serve_totals))
        .route("/__emulator/consent", post(consent::serve))
        .route("/__emulator/disconnect", post(disconnect::serve))
        .route("/__emulator/faults", get(faults::list).post(faults::change))
        .route("/__emulator/mutate", post(mutate::serve))
        .route("/__emulator/webhooks", get(webhooks::show).post(webhooks::aim))
        .route("/__emulator/clock", get(clock::show).post(clock::step))
}

async fn info(State(upstream): State<Arc<Upstream>>) -> Response {
    Json(upstream.info()).into_response()
}
