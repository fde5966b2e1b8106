//! Calls: what is metered, by month, company and entity.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::Scope;
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::page::Page;
use super::problem::{Cause, Refusal};
use super::read::{ids, limit, names, query};
use super::route::Route;
use super::routes::Routes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    month: Option<String>,
    connection: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// The metered calls of an entity of a company in a month (UTC).
#[derive(Serialize)]
struct CallsRow {
    month: String,
    connection: String,
    entity: String,
    calls: u64,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/calls",
            Scope::Read,
            "The metered calls by calendar month (UTC), company and entity",
        )
        .with(&[
            ("month", "of this month alone, as 2026-05"),
            (
                "connection",
                "names, with commas between; all where it is left out",
            ),
            ("cursor", "what the last page has answered as next"),
            ("limit", "1 to 1000; 100 where nothing is said"),
        ]),
        calls,
    )
}

async fn calls(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<CallsRow>>, Refusal> {
    let asked: Which = query(&uri)?;
    if let Some(month) = &asked.month {
        month_of(month)?;
    }
    let connections = api
        .companies(&caller, &names(asked.connection.as_deref())?)
        .await?;
    let calls = api
        .ledger()
        .calls_by_month(&ids(&connections), asked.month.as_deref())
        .await?;
    let rows = calls.into_iter().filter_map(|calls| {
        let company = connections
            .iter()
            .find(|company| company.id == calls.connection)?;
        Some(CallsRow {
            month: calls.month,
            connection: company.name.clone(),
            entity: calls.entity,
            calls: calls.calls,
        })
    });
    let key = |row: &CallsRow| [row.month.as_str(), &row.connection, &row.entity].join("\n");
    Ok(Json(Page::of(
        rows.collect(),
        key,
        (limit(asked.limit)?, asked.cursor.as_deref()),
    )?))
}

/// The first day of a month.
pub(super) fn month_of(month: &str) -> Result<NaiveDate, Refusal> {
    let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok();
    let first = first.filter(|_| month.len() == 7);
    first.ok_or_else(|| Refusal::new(Cause::InvalidRequest, "a month is written 2026-05"))
}
