//! The disconnection's control: the owner of a company ends the consent inside of upstream.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::{Refusal, read};
use crate::books::mutation_error::MutationError;
use crate::upstream::Upstream;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The company's name or realm.
    company: String,
}

pub(super) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let Wanted { company } = read(&body)?;
    perform(&upstream, &company).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Json(json!({ "disconnected": company })))
}

/// Ends all consents of a company, or takes its key back.
pub(crate) fn perform(upstream: &Upstream, company: &str) -> Result<(), MutationError> {
    if let Some(firm) = upstream.firms.find(company) {
        firm.revoke();
        return Ok(());
    }
    let index = upstream
        .company(company)
        .ok_or_else(|| MutationError::Company(company.to_owned()))?;
    upstream.tokens.disconnect(index);
    Ok(())
}
