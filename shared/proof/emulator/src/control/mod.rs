//! The control surface: `/__emulator/…`, where tests and people ask for the truth and make things go wrong.

mod clock;
pub(crate) mod disconnect;
mod faults;
pub(crate) mod mutate;
pub(crate) mod requests;
pub(crate) mod truth;

pub use requests::{CompanySummary, Summary};

use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::explain::explain;
use crate::server::upstream::Upstream;

pub(crate) fn routes() -> Router<Arc<Upstream>> {
    Router::new()
        .route("/__emulator/info", get(info))
        .route("/__emulator/requests", get(requests::serve))
        .route("/__emulator/truth/{company}/{entity}", get(truth::serve))
        .route("/__emulator/truth/{company}", get(truth::serve_totals))
        .route("/__emulator/disconnect", post(disconnect::serve))
        .route("/__emulator/faults", get(faults::list).post(faults::change))
        .route("/__emulator/mutate", post(mutate::serve))
        .route("/__emulator/clock", get(clock::show).post(clock::step))
}

async fn info(State(upstream): State<Arc<Upstream>>) -> Response {
    Json(upstream.info()).into_response()
}

/// A request to the control surface that cannot be meant so.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    fn bad_request(error: &dyn Error) -> Self {
        Self(StatusCode::BAD_REQUEST, explain(error))
    }

    fn not_found(error: &dyn Error) -> Self {
        Self(StatusCode::NOT_FOUND, explain(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// A body's JSON. Whatever content type it claims: these are typed by hand with curl.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad_request(&error))
}

/// A query string's parameters; unknown ones are refused.
fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    axum::extract::Query::try_from_uri(uri)
        .map(|axum::extract::Query(read)| read)
        .map_err(|error| Refusal::bad_request(&error))
}
