//! Verify: the source against what is stored, as work that is followed. What is known of it is kept for a day beside the
//! answers to requests, so any process that serves can tell it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::{Asked, Scope};
use ledgerfleet_model::{Axis, Connection, Segmenting, TurnId, VerificationId};
use ledgerfleet_planning::{Plan, Request, plan};
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{body, ids, polled, some};
use super::route::Route;
use super::routes::Routes;
use super::verifying::{State as Stage, Turns, Verification, place};
use crate::commands::verify::Depth;

/// Records that are compared at once where nothing is said.
const AT_ONCE: u64 = 200_000;

/// What is to be compared; the words are those of `scheduler verify`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(deserialize_with = "some")]
    entities: Vec<String>,
    from: NaiveDate,
    to: NaiveDate,
    page_size: Option<u32>,
    at_once: Option<u64>,
    /// Whether a run reads again what differs.
    #[serde(default)]
    fix: bool,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::post(
                "/api/v1/verify",
                Scope::Run,
                "Compares the source with what is stored; with `fix` a run reads again what differs. An equal one under way is joined",
            )
            .taking(
                r#"{"connections": ["acme"], "entities": ["invoice"], "from": "2026-05-01", "to": "2026-05-31", "fix": true}"#,
            )
            .answering(202),
            begin,
        )
        .route(
            Route::get(
                "/api/v1/verify/{id}",
                Scope::Read,
                "How far a verification is, and what it has found; for a day",
            ),
            show,
        )
}

async fn begin(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let wanted: Wanted = body(&bytes)?;
    let companies = api.companies(&caller, &wanted.connections).await?;
    let depth = Depth {
        page_size: wanted.page_size.unwrap_or(api.page_size),
        at_once: wanted.at_once.unwrap_or(AT_ONCE).max(1),
    };
    let plan = planned(&api, &wanted, &companies, depth)?;
    let question = question(&plan, &companies, wanted.fix, depth);
    let (verification, joined) = match under_way(&api, &question).await? {
        Standing::Running(known) => (*known, true),
        Standing::Mine(turn) => {
            let begun = begun(&api, &caller, (&question, turn), (plan, wanted.fix, depth)).await;
            (begun?, false)
        }
    };
    let id = verification.id();
    let detail = serde_json::json!({ "by": caller.name, "joined": joined });
    api.ledger()
        .note_audit("verify.submit", Some(&id), detail)
        .await?;
    let place = format!("/api/v1/verify/{id}");
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(verification)).into_response())
}

fn planned(api: &Api, wanted: &Wanted, companies: &[Connection], depth: Depth) -> Result<Plan, Refusal> {
    Ok(plan(&Request {
        connections: companies.to_vec(),
        entities: wanted.entities.clone(),
        from: wanted.from,
        to: wanted.to,
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day,
        page_size: depth.page_size,
        now: api.parts.clock.now(),
        upper_margin: api.parts.timings.upper_margin,
    })?)
}

/// Where the verification of an equal question is noted.
fn question(plan: &Plan, companies: &[Connection], fix: bool, depth: Depth) -> String {
    let entities: Vec<&str> = plan.parts().iter().map(|part| part.entity.name).collect();
    let range = (plan.range().from(), plan.range().to());
    let text = serde_json::json!([
        ids(companies),
        entities,
        range,
        fix,
        depth.page_size,
        depth.at_once
    ]);
    format!("verify of {}", blake3::hash(text.to_string().as_bytes()).to_hex())
}

/// How a question stands.
enum Standing {
    /// An equal one is under way.
    Running(Box<Verification>),
    /// Whoever has this turn begins it.
    Mine(TurnId),
}

async fn under_way(api: &Api, question: &str) -> Result<Standing, Refusal> {
    let turn = match api.ledger().ask_once(question, "").await? {
        Asked::First(turn) => Some(turn),
        Asked::Before(id) => {
            let known = Verification::known(api, &id).await?;
            if let Some(running) = known.filter(|known| known.state() == Stage::Running) {
                return Ok(Standing::Running(Box::new(running)));
            }
            // Of two who come at once, one begins the next.
            api.ledger().ask_anew(question, &id).await?
        }
        Asked::UnderWay | Asked::Differently => None,
    };
    turn.map(Standing::Mine).ok_or_else(|| {
        Refusal::new(
            Cause::UnderWay,
            "the same is being submitted by somebody else: come again for its place",
        )
    })
}

async fn begun(
    api: &Api,
    caller: &Caller,
    (question, turn): (&str, TurnId),
    (plan, fix, depth): (Plan, bool, Depth),
) -> Result<Verification, Refusal> {
    let place_of_it = api.verifying.clone().try_acquire_owned().map_err(|_| {
        Refusal::new(
            Cause::TooBusy,
            "many verifications are under way: come again later",
        )
    });
    let place_of_it = match place_of_it {
        Ok(place_of_it) => place_of_it,
        Err(refusal) => {
            api.ledger().forget_request(question, turn).await?;
            return Err(refusal);
        }
    };
    let id = VerificationId::new().to_string();
    let now = api.ledger().clock().await?.now;
    let Asked::First(carrying) = api.ledger().ask_once(&place(&id), "").await? else {
        return Err(Refusal::new(Cause::Internal, "an id that is new was known"));
    };
    let turns = Turns {
        carrying,
        question: question.to_owned(),
        asking: turn,
    };
    let verification = Verification::new(&id, turns, &caller.name, &plan, now);
    verification.keep(api).await?;
    api.ledger().keep_answer(question, turn, &id).await?;
    let (carried, doing) = (verification.clone(), api.clone());
    api.under_way.spawn(async move {
        carried.carry(&doing, &plan, fix, depth).await;
        drop(place_of_it);
    });
    Ok(verification)
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let known = Verification::known(&api, &id).await?;
    let seen = known.filter(|known| known.companies().iter().all(|company| caller.sees(*company)));
    let missing = || {
        let detail = format!(
            "there is no verification `{}`, or it is older than a day",
            id.escape_debug()
        );
        Refusal::new(Cause::NotFound, detail)
    };
    polled(&headers, &seen.ok_or_else(missing)?)
}
