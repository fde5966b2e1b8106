//! Actions: what the buttons do. Each is one request to the API, with a key that was made with the page; what comes back is
//! told on the page that follows.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Panel;
use super::dead_letters::chosen;
use super::forms::go;
use super::inside::{Answer, Trouble};
use super::run_plan::backfill;
use super::shell::encoded;
use super::visit::{Sent, Visit};

/// Asks the API, once for each page that a button was pressed on.
pub(super) async fn done(
    panel: &Panel,
    (visit, sent): (&Visit, &Sent),
    path: &str,
    body: Option<&Value>,
) -> Result<Answer, Trouble> {
    let once = sent.value("once").ok_or_else(|| {
        Trouble::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "this form has no `once`",
        )
    })?;
    panel.inside.post(visit.caller()?, path, body, Some(once)).await
}

pub(super) async fn begin_run(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let body = backfill(&sent)?;
    let answer = done(&panel, (&visit, &sent), "/api/v1/runs", Some(&body)).await?;
    let told = if answer.read::<Value>()?["attached"] == true {
        "joined"
    } else {
        "begun"
    };
    let id = answer
        .location
        .as_deref()
        .and_then(|place| place.rsplit('/').next())
        .unwrap_or_default();
    Ok(go(&format!("/runs/{}?told={told}", encoded(id))))
}

pub(super) async fn steer_run(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
    Path((id, what)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let path = format!("/api/v1/runs/{}/{}", encoded(&id), encoded(&what));
    done(&panel, (&visit, &sent), &path, None).await?;
    Ok(go(&format!("/runs/{}?told=steered", encoded(&id))))
}

pub(super) async fn replay(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let mut body = chosen(&sent);
    for name in ["canary", "per_minute"] {
        if let Some(many) = sent.value(name) {
            let many: u32 = many.parse().map_err(|_| {
                Trouble::new(
                    StatusCode::BAD_REQUEST,
                    "invalid_request",
                    format!("`{name}` is a whole number"),
                )
            })?;
            body.insert(name.to_owned(), json!(many));
        }
    }
    let answer = done(
        &panel,
        (&visit, &sent),
        "/api/v1/dead-letters/replay",
        Some(&Value::Object(body)),
    )
    .await?;
    Ok(go(&counted(&answer.read()?, "replayed", "segments")))
}

pub(super) async fn drop_letters(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let body = Value::Object(chosen(&sent));
    let answer = done(&panel, (&visit, &sent), "/api/v1/dead-letters/drop", Some(&body)).await?;
    Ok(go(&counted(&answer.read()?, "dropped", "dropped")))
}

/// How many went, of how many that were meant: others may have been quicker.
fn counted(answer: &Value, told: &str, of: &str) -> String {
    let (many, matching) = (
        answer[of].as_u64().unwrap_or(0),
        answer["matching"].as_u64().unwrap_or(0),
    );
    let told = if many == 0 { "none" } else { told };
    format!("/dead-letters?told={told}&n={many}&of={matching}")
}

pub(super) async fn steer_connection(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
    Path((name, what)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    if !matches!(what.as_str(), "test" | "pause" | "resume") {
        return Err(Trouble::new(StatusCode::NOT_FOUND, "not_found", String::new()));
    }
    let place = encoded(&name);
    done(
        &panel,
        (&visit, &sent),
        &format!("/api/v1/connections/{place}/{what}"),
        None,
    )
    .await?;
    let told = if what == "test" { "tested" } else { "steered" };
    Ok(go(&format!("/connections/{place}?told={told}")))
}

/// Brings companies in sync: those that are named, or all.
pub(super) async fn sync(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let mut body = json!({});
    let companies = sent.values("connection");
    if !companies.is_empty() {
        body["connections"] = json!(companies);
    }
    if sent.value("full").is_some() {
        body["full"] = json!(true);
    }
    if let Some(since) = sent.value("since") {
        body["since"] = json!(format!("{since}T00:00:00Z"));
    }
    let answer = done(&panel, (&visit, &sent), "/api/v1/sync", Some(&body)).await?;
    let many = answer.read::<Value>()?["runs"].as_array().map_or(0, Vec::len);
    Ok(go(&format!("/runs?told=synced&n={many}")))
}
