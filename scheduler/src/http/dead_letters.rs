//! Dead letters: listed, previewed, sent again, hidden.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::{DeadLetterFilter, DeadLetterGroup, Dropped, Listing, Order, ReplayRequest, Scope};
use ledgerfleet_model::{FailureKind, RunId, SegmentId};
use ledgerfleet_planning::{check_days, entities_named, ring};
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::page::Page;
use super::problem::{Cause, Refusal};
use super::read::{MOST, body, ids, limit, names, query, some};
use super::route::Route;
use super::routes::Routes;
use crate::views::dead_letters::{DroppedRow, LetterRow, ReplayedRow, WithHistory};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    connection: Option<String>,
    entity: Option<String>,
    reason: Option<FailureKind>,
    fingerprint: Option<String>,
    run: Option<RunId>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    cursor: Option<SegmentId>,
    limit: Option<u32>,
}

const QUERY: &[(&str, &str)] = &[
    ("connection", "names, with commas between"),
    ("entity", "names, with commas between"),
    ("reason", "the word of a reason"),
    ("fingerprint", "of a group"),
    ("run", "the id of a run"),
    ("from", "first day"),
    ("to", "last day, included"),
    ("cursor", "what the last page has answered as next"),
    ("limit", "1 to 1000; 100 where nothing is said"),
];

/// Which are meant. Without any choice nothing is done: `all` says that all of them are meant.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Choice {
    all: bool,
    #[serde(deserialize_with = "some")]
    ids: Vec<SegmentId>,
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(deserialize_with = "some")]
    entities: Vec<String>,
    reason: Option<FailureKind>,
    fingerprint: Option<String>,
    run: Option<RunId>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    canary: Option<u32>,
    per_minute: Option<u32>,
    page_size: Option<u32>,
}

/// What would be meant.
#[derive(Serialize)]
struct Preview {
    matching: u64,
    oldest: Vec<LetterRow>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    const CHOICE: &str = r#"{"reason": "upstream_error", "canary": 5}"#;
    routes
        .route(
            Route::get("/api/v1/dead-letters", Scope::Read, "Dead letters, newest first").with(QUERY),
            list,
        )
        .route(
            Route::get("/api/v1/dead-letters/groups", Scope::Read, "Their causes").with(QUERY),
            groups,
        )
        .route(
            Route::get(
                "/api/v1/dead-letters/{id}",
                Scope::Read,
                "One dead letter with its history",
            ),
            show,
        )
        .route(
            Route::post(
                "/api/v1/dead-letters/preview",
                Scope::Read,
                "What a replay or a drop would mean",
            )
            .taking(CHOICE),
            preview,
        )
        .route(
            Route::post(
                "/api/v1/dead-letters/replay",
                Scope::Replay,
                "Sends dead letters again",
            )
            .taking(CHOICE)
            .answering(202),
            replay,
        )
        .route(
            Route::post("/api/v1/dead-letters/drop", Scope::Replay, "Hides dead letters").taking(CHOICE),
            drop_letters,
        )
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<LetterRow>>, Refusal> {
    let asked: ListQuery = query(&uri)?;
    let limit = limit(asked.limit)?;
    let listing = Listing {
        limit,
        after: asked.cursor,
        order: Order::NewestFirst,
    };
    let Some(filter) = filter_of(&api, &caller, choice(asked)?).await? else {
        return Ok(Json(Page {
            items: Vec::new(),
            next: None,
        }));
    };
    let letters = api.ledger().dead_letters(&filter, &listing).await?;
    let last = letters.last().map(|letter| letter.id.to_string());
    let next = last.filter(|_| letters.len() as u64 == u64::from(limit));
    let items = letters.into_iter().map(LetterRow::from).collect();
    Ok(Json(Page { items, next }))
}

async fn groups(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<DeadLetterGroup>>, Refusal> {
    let asked: ListQuery = query(&uri)?;
    let limit = limit(asked.limit)?;
    let Some(filter) = filter_of(&api, &caller, choice(asked)?).await? else {
        return Ok(Json(Vec::new()));
    };
    Ok(Json(api.ledger().dead_letter_groups(&filter, limit).await?))
}

fn choice(asked: ListQuery) -> Result<Choice, Refusal> {
    Ok(Choice {
        connections: names(asked.connection.as_deref())?,
        entities: names(asked.entity.as_deref())?,
        reason: asked.reason,
        fingerprint: asked.fingerprint,
        run: asked.run,
        from: asked.from,
        to: asked.to,
        ..Choice::default()
    })
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WithHistory>, Refusal> {
    let missing = || {
        Refusal::new(
            Cause::NotFound,
            format!("there is no dead letter `{}`", id.escape_debug()),
        )
    };
    let id: SegmentId = id.parse().map_err(|_| missing())?;
    let choice = Choice {
        ids: vec![id],
        ..Choice::default()
    };
    let filter = filter_of(&api, &caller, choice).await?.ok_or_else(missing)?;
    let mut found = None;
    for dropped in [Dropped::Not, Dropped::Only] {
        let filter = DeadLetterFilter {
            dropped,
            ..filter.clone()
        };
        let letters = api.ledger().dead_letters(&filter, &Listing::newest(1)).await?;
        found = found.or(letters.into_iter().next());
    }
    let letter = found.ok_or_else(missing)?;
    let history = api.ledger().attempts(id).await?;
    Ok(Json(WithHistory {
        letter: LetterRow::from(letter),
        history,
    }))
}

/// What a choice means to the ledger; none where the caller sees no company.
async fn filter_of(api: &Api, caller: &Caller, choice: Choice) -> Result<Option<DeadLetterFilter>, Refusal> {
    check_days(choice.from, choice.to)?;
    let is_narrow = caller.connections.is_some() || !choice.connections.is_empty();
    let companies = api.companies(caller, &choice.connections).await?;
    if companies.is_empty() {
        return Ok(None);
    }
    Ok(Some(DeadLetterFilter {
        ids: choice.ids,
        run: choice.run,
        connections: if is_narrow { ids(&companies) } else { Vec::new() },
        entities: entities_named(&companies, &choice.entities)?,
        reason: choice.reason,
        fingerprint: choice.fingerprint,
        from: choice.from,
        to: choice.to,
        dropped: Dropped::Not,
    }))
}

/// Without any choice, everything would be meant; that is said and not left out.
fn check_choice(choice: &Choice) -> Result<(), Refusal> {
    let is_empty = choice.ids.is_empty()
        && choice.connections.is_empty()
        && choice.entities.is_empty()
        && choice.reason.is_none()
        && choice.fingerprint.is_none()
        && choice.run.is_none()
        && choice.from.is_none()
        && choice.to.is_none();
    if is_empty && !choice.all {
        let detail = "it was not said which dead letters are meant; `\"all\": true` means all of them";
        return Err(Refusal::new(Cause::InvalidRequest, detail));
    }
    if choice.ids.len() > MOST as usize {
        return Err(Refusal::new(
            Cause::InvalidRequest,
            format!("at most {MOST} ids at once"),
        ));
    }
    Ok(())
}

async fn preview(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Json<Preview>, Refusal> {
    let choice: Choice = body(&bytes)?;
    check_choice(&choice)?;
    let Some(filter) = filter_of(&api, &caller, choice).await? else {
        return Ok(Json(Preview {
            matching: 0,
            oldest: Vec::new(),
        }));
    };
    let oldest = api.ledger().dead_letters(&filter, &Listing::oldest(MOST)).await?;
    Ok(Json(Preview {
        matching: api.ledger().count_dead_letters(&filter).await?,
        oldest: oldest.into_iter().map(LetterRow::from).collect(),
    }))
}

async fn replay(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<(axum::http::StatusCode, Json<ReplayedRow>), Refusal> {
    let choice: Choice = body(&bytes)?;
    check_choice(&choice)?;
    let (most, per_minute, page_size) = (choice.canary, choice.per_minute, choice.page_size);
    if per_minute == Some(0) || most == Some(0) || page_size == Some(0) {
        return Err(Refusal::new(
            Cause::InvalidRequest,
            "canary, per_minute and page_size are at least 1",
        ));
    }
    let filter = filter_of(&api, &caller, choice).await?;
    let filter = filter.ok_or_else(|| Refusal::new(Cause::NotFound, "there is no company"))?;
    let request = ReplayRequest {
        filter,
        most,
        per_minute,
        page_size,
        asked_by: caller.name,
    };
    let matching = api.ledger().count_dead_letters(&request.filter).await?;
    let replayed = api.ledger().replay(&request).await?;
    ring(&*api.parts.bell).await;
    let told = ReplayedRow {
        replayed,
        matching,
        seconds: None,
    };
    Ok((axum::http::StatusCode::ACCEPTED, Json(told)))
}

async fn drop_letters(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Json<DroppedRow>, Refusal> {
    let choice: Choice = body(&bytes)?;
    check_choice(&choice)?;
    let Some(filter) = filter_of(&api, &caller, choice).await? else {
        return Ok(Json(DroppedRow {
            matching: 0,
            dropped: 0,
        }));
    };
    let matching = api.ledger().count_dead_letters(&filter).await?;
    let dropped = api.ledger().drop_dead_letters(&filter, &caller.name).await?;
    Ok(Json(DroppedRow { matching, dropped }))
}
