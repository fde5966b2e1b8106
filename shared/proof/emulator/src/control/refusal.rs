//! A refusal: a request to the control surface that cannot be read, and how requests are read.

use std::error::Error;

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::explain::explain;

/// A request to the control surface that cannot be meant so.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    pub(super) fn bad_request(error: &dyn Error) -> Self {
        Self(StatusCode::BAD_REQUEST, explain(error))
    }

    pub(super) fn not_found(error: &dyn Error) -> Self {
        Self(StatusCode::NOT_FOUND, explain(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// A body's JSON. Whatever content type it claims: these are typed by hand with curl.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad_request(&error))
}

/// A query string's parameters; unknown ones are refused.
pub(super) fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    axum::extract::Query::try_from_uri(uri)
        .map(|axum::extract::Query(read)| read)
        .map_err(|error| Refusal::bad_request(&error))
}
