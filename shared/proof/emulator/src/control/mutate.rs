//! The mutations' control.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::refusal::{Refusal, read};
use crate::books::mutation::Mutation;
use crate::books::mutation_error::MutationError;
use crate::upstream::Upstream;

/// One mutation, or `{"clear": true}` to end those that recur.
pub(super) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let wanted: Value = read(&body)?;
    if wanted == json!({ "clear": true }) {
        upstream.stop_recurring_mutations();
        return Ok(Json(json!({ "ids": [] })));
    }
    let company = wanted["company"].as_str().unwrap_or_default();
    if upstream.firms.find(company).is_some() {
        let ids = upstream
            .mutate_firm(read(&body)?)
            .map_err(|error| Refusal::bad_request(&error))?;
        return Ok(Json(json!({ "ids": ids })));
    }
    let mutation: Mutation = read(&body)?;
    let ids = perform(&upstream, mutation).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Json(json!({ "ids": ids })))
}

/// Does a mutation now and tells the ids, or plans it and tells none.
pub(crate) fn perform(upstream: &Upstream, mutation: Mutation) -> Result<Vec<String>, MutationError> {
    match mutation.every {
        None => upstream.mutate(&mutation),
        Some(every) => upstream.mutate_every(mutation, every).map(|()| Vec::new()),
    }
}
