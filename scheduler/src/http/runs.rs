//! Runs: submitted, followed and steered.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::{Replay, RunReport, Scope, Steer, WhichReplays};
use ledgerfleet_model::{Axis, ConnectionId, RunId, Segmenting};
use ledgerfleet_planning::{Estimate, Part, Plan, Price, Request, plan, ring, submit};
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{body, limit, polled, query, some};
use super::route::Route;
use super::routes::Routes;
use crate::commands::estimate::{estimate, estimate_by_asking, estimate_soon};
use crate::views::plans::SubmittedRow;
use crate::views::runs::RunDetails;

/// So many replays of a run are shown.
const REPLAYS: u32 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    limit: Option<u32>,
}

/// What is to be copied; the words are those of `scheduler backfill`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backfill {
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(deserialize_with = "some")]
    entities: Vec<String>,
    from: NaiveDate,
    to: NaiveDate,
    #[serde(default)]
    by: Option<Axis>,
    #[serde(default)]
    segment: Option<Segmenting>,
    #[serde(default)]
    page_size: Option<u32>,
    /// Whether the sources are asked how much there is, of a plan that is only shown.
    #[serde(default)]
    ask: bool,
}

/// A run, and what it costs.
#[derive(Serialize)]
struct PricedRun {
    #[serde(flatten)]
    run: SubmittedRow,
    /// As it is cut, and then as it could be cut; nothing where that cannot be told soon.
    prices: Vec<Price>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get("/api/v1/runs", Scope::Read, "The newest runs")
                .with(&[("limit", "1 to 1000; 100 where nothing is said")]),
            list,
        )
        .route(
            Route::post("/api/v1/runs", Scope::Run, "Submits a backfill; an equal one that is not over is joined")
                .taking(
                    r#"{"connections": ["acme"], "entities": ["invoice"], "from": "2026-05-01", "to": "2026-05-31"}"#,
                )
                .answering(202),
            submit_backfill,
        )
        .route(
            Route::post(
                "/api/v1/runs/plan",
                Scope::Run,
                "What a backfill would cost; submits nothing. With `ask` the sources count, which is metered",
            )
            .taking(
                r#"{"connections": ["acme"], "entities": ["all"], "from": "2026-05-01", "to": "2026-05-31", "segment": "auto"}"#,
            ),
            show_plan,
        )
        .route(Route::get("/api/v1/runs/{id}", Scope::Read, "One run"), show)
        .route(Route::post("/api/v1/runs/{id}/pause", Scope::Run, "Pauses a run"), pause)
        .route(Route::post("/api/v1/runs/{id}/resume", Scope::Run, "Goes on with a run"), resume)
        .route(
            Route::post("/api/v1/runs/{id}/cancel", Scope::Run, "Ends what of a run has not ended"),
            cancel,
        )
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<RunReport>>, Refusal> {
    let asked: Listing = query(&uri)?;
    let limit = limit(asked.limit)?;
    let Some(only) = &caller.connections else {
        return Ok(Json(api.ledger().runs(limit).await?));
    };
    let mut runs = Vec::new();
    for id in api.ledger().run_ids_within(only, None, limit).await? {
        // One may be forgotten in the meantime.
        runs.extend(api.ledger().run(id).await?);
    }
    Ok(Json(runs))
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let report = run_of(&api, &caller, &id).await?;
    let id = report.run_id;
    let mut replays = api.ledger().replays(WhichReplays::OfRun(id), REPLAYS).await?;
    replays.retain(|replay| sees(&caller, replay));
    let run = RunDetails {
        report,
        volumes: api.ledger().volumes(id).await?,
        replays,
    };
    polled(&headers, &run)
}

/// Whether a replay was of companies alone that the caller sees: its counts tell of all that it was of.
fn sees(caller: &Caller, replay: &Replay) -> bool {
    let of: Vec<ConnectionId> = Vec::deserialize(&replay.filter["connections"]).unwrap_or_default();
    let is_of_own = !of.is_empty() && of.iter().all(|company| caller.sees(*company));
    caller.connections.is_none() || is_of_own
}

/// A run, if the caller sees all its companies.
pub(super) async fn run_of(api: &Api, caller: &Caller, id: &str) -> Result<RunReport, Refusal> {
    let missing = || {
        Refusal::new(
            Cause::NotFound,
            format!("there is no run `{}`", id.escape_debug()),
        )
    };
    let id: RunId = id.parse().map_err(|_| missing())?;
    if let Some(only) = &caller.connections
        && api.ledger().run_ids_within(only, Some(id), 1).await?.is_empty()
    {
        return Err(missing());
    }
    api.ledger().run(id).await?.ok_or_else(missing)
}

/// The plan of what is asked for.
async fn planned(api: &Api, caller: &Caller, asked: Backfill) -> Result<Plan, Refusal> {
    let request = Request {
        connections: api.companies(caller, &asked.connections).await?,
        entities: asked.entities,
        from: asked.from,
        to: asked.to,
        axis: asked.by.unwrap_or(Axis::TxnDate),
        segmenting: asked.segment.unwrap_or(api.segment),
        page_size: asked.page_size.unwrap_or(api.page_size),
        now: api.parts.clock.now(),
        upper_margin: api.parts.timings.upper_margin,
    };
    Ok(plan(&request)?)
}

async fn submit_backfill(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let asked: Backfill = body(&bytes)?;
    if asked.ask {
        let detail = "`ask` belongs to a plan that is only shown: POST /api/v1/runs/plan";
        return Err(Refusal::new(Cause::InvalidRequest, detail));
    }
    let plan = planned(&api, &caller, asked).await?;
    let submitted = submit(api.ledger(), &*api.parts.bell, plan.run(), &mut plan.segments()).await?;
    let run = submitted.run.to_string();
    let detail = serde_json::json!({ "by": caller.name, "joined": submitted.attached });
    api.ledger().note_audit("run.submit", Some(&run), detail).await?;
    let place = format!("/api/v1/runs/{run}");
    let priced = PricedRun {
        run: SubmittedRow(submitted),
        prices: prices(&api, &plan).await,
    };
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(priced)).into_response())
}

/// What a plan costs, first as it is cut and then as it could be. What cannot be told keeps nothing from being done.
async fn prices(api: &Api, plan: &Plan) -> Vec<Price> {
    match estimate_soon(&api.parts, plan).await {
        Ok(estimate) => std::iter::once(estimate.total)
            .chain(estimate.otherwise)
            .collect(),
        Err(error) => {
            tracing::debug!(%error, "what it costs is not told");
            Vec::new()
        }
    }
}

async fn show_plan(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Json<Estimate>, Refusal> {
    let asked: Backfill = body(&bytes)?;
    let ask = asked.ask;
    let plan = planned(&api, &caller, asked).await?;
    let _place = api.heavy()?;
    if !ask {
        return Ok(Json(estimate(&api.parts, &plan).await?));
    }
    let detail = serde_json::json!({ "by": caller.name, "parts": plan.parts().len() });
    api.ledger().note_audit("plan.ask", None, detail).await?;
    let asking = |part: &Part| api.asking(&part.connection);
    Ok(Json(estimate_by_asking(&api.parts, &plan, asking).await?))
}

async fn pause(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RunReport>, Refusal> {
    steer(&api, &caller, &id, Steer::Pause).await
}

async fn resume(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RunReport>, Refusal> {
    steer(&api, &caller, &id, Steer::Resume).await
}

async fn cancel(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RunReport>, Refusal> {
    steer(&api, &caller, &id, Steer::Cancel).await
}

/// A run that is over stays as it is; the answer says how that is.
async fn steer(api: &Api, caller: &Caller, id: &str, steer: Steer) -> Result<Json<RunReport>, Refusal> {
    let run = run_of(api, caller, id).await?.run_id;
    api.ledger().steer_run(run, steer).await?;
    ring(&*api.parts.bell).await;
    let detail = serde_json::json!({ "by": caller.name, "what": format!("{steer:?}").to_lowercase() });
    api.ledger()
        .note_audit("run.steer", Some(&run.to_string()), detail)
        .await?;
    Ok(Json(run_of(api, caller, id).await?))
}
