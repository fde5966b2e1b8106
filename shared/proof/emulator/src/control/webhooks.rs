//! The webhooks' control: where they are sent, how, and what became of them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::refusal::{Refusal, read};
use crate::upstream::Upstream;
use crate::webhooks::WebhookReport;

pub(super) async fn show(State(upstream): State<Arc<Upstream>>) -> Json<WebhookReport> {
    Json(upstream.webhooks.report())
}

/// A target, or `{"clear": true}` to send nothing any more.
pub(super) async fn aim(
    State(upstream): State<Arc<Upstream>>,
    body: Bytes,
) -> Result<Json<WebhookReport>, Refusal> {
    let wanted: Value = read(&body)?;
    let target = if wanted == json!({ "clear": true }) {
        None
    } else {
        Some(read(&body)?)
    };
    upstream.webhooks.aim(target);
    Ok(Json(upstream.webhooks.report()))
}
