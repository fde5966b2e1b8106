//! The clock's control: it can be read and stepped.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::{Refusal, read};
use crate::upstream::Upstream;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Seconds; ten years are enough to outlive every token.
    step: u32,
}

pub(super) async fn show(State(upstream): State<Arc<Upstream>>) -> Json<Value> {
    Json(json!({ "now": upstream.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true) }))
}

pub(super) async fn step(state: State<Arc<Upstream>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let Step { step } = read(&body)?;
    state.clock.step(Duration::from_secs(u64::from(step)));
    Ok(show(state).await)
}
