//! The consent's control: the owner of a company lets the app in once more, as on the consent page.

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
    let index = upstream.company(&company);
    let index = index.ok_or_else(|| Refusal::bad_request(&MutationError::Company(company)))?;
    let refresh_token = upstream.tokens.consent(index, upstream.clock.now().timestamp());
    Ok(Json(json!({ "refresh_token": refresh_token })))
}
