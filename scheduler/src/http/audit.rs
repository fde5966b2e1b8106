//! Audit: who has done what.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{AuditFilter, AuditRow, Scope};
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::page::Page;
use super::problem::{Cause, Refusal};
use super::read::{limit, query};
use super::route::Route;
use super::routes::Routes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    since: Option<DateTime<Utc>>,
    cursor: Option<i64>,
    limit: Option<u32>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/audit",
            Scope::Admin,
            "What was done, and by whom, the newest first; for keys of every company",
        )
        .with(&[
            ("since", "from then on, as 2026-05-01T00:00:00Z"),
            ("cursor", "what the last page has answered as next"),
            ("limit", "1 to 1000; 100 where nothing is said"),
        ]),
        list,
    )
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<AuditRow>>, Refusal> {
    let asked: Which = query(&uri)?;
    if caller.connections.is_some() {
        let detail = "a key for some companies does not see what was done with others";
        return Err(Refusal::new(Cause::InsufficientScope, detail));
    }
    let filter = AuditFilter {
        since: asked.since,
        before: asked.cursor,
        limit: limit(asked.limit)?,
    };
    let items = api.ledger().audited(&filter).await?;
    let is_full = items.len() as u64 == u64::from(filter.limit);
    let next = items.last().filter(|_| is_full).map(|last| last.id.to_string());
    Ok(Json(Page { items, next }))
}
