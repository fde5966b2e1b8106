//! Coverage: which days are complete, and which are not.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::NaiveDate;
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, Scope};
use ledgerfleet_model::Connection;
use ledgerfleet_planning::{Gap, check_days, entities_named, gaps_of};
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::page::Page;
use super::problem::Refusal;
use super::read::{ids, limit, names, query};
use super::route::Route;
use super::routes::Routes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: Option<String>,
    entity: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// What of a list is wanted.
struct Part {
    cursor: Option<String>,
    limit: u32,
}

impl Part {
    fn of<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Result<Json<Page<T>>, Refusal> {
        Ok(Json(Page::of(items, key, (self.limit, self.cursor.as_deref()))?))
    }
}

const QUERY: &[(&str, &str)] = &[
    (
        "connection",
        "names, with commas between; all where it is left out",
    ),
    ("entity", "names, with commas between; all where it is left out"),
    ("from", "first day, as 2026-05-01"),
    ("to", "last day, included"),
    ("cursor", "what the last page has answered as next"),
    ("limit", "1 to 1000; 100 where nothing is said"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get(
                "/api/v1/coverage",
                Scope::Read,
                "The windows that were read, and how",
            )
            .with(QUERY),
            coverage,
        )
        .route(
            Route::get(
                "/api/v1/gaps",
                Scope::Read,
                "The days that were asked for and are not complete",
            )
            .with(QUERY),
            gaps,
        )
}

async fn coverage(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<CoverageRow>>, Refusal> {
    let (connections, filter, part) = filter(&api, &caller, &uri).await?;
    let _place = api.heavy()?;
    let rows = if connections.is_empty() {
        Vec::new()
    } else {
        api.ledger().coverage(&filter).await?
    };
    part.of(rows, |row| {
        place(&row.connection, &row.entity, row.axis.as_str(), row.from, row.to)
    })
}

/// What tells windows apart, in an order.
fn place(
    connection: &str,
    entity: &str,
    axis: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> String {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    [connection, entity, axis, &day(from), &day(to)].join("\n")
}

async fn gaps(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<Gap>>, Refusal> {
    let (connections, filter, part) = filter(&api, &caller, &uri).await?;
    let _place = api.heavy()?;
    let gaps = if connections.is_empty() {
        Vec::new()
    } else {
        let covered = api.ledger().coverage(&filter).await?;
        let missing = api.ledger().asked_and_not_read(&filter).await?;
        gaps_of(&connections, &filter, &covered, &missing)
    };
    part.of(gaps, |gap| {
        place(&gap.connection, &gap.entity, gap.axis.as_str(), gap.from, gap.to)
    })
}

async fn filter(
    api: &Api,
    caller: &Caller,
    uri: &Uri,
) -> Result<(Vec<Connection>, CoverageFilter, Part), Refusal> {
    let which: Which = query(uri)?;
    check_days(which.from, which.to)?;
    let connections = api
        .companies(caller, &names(which.connection.as_deref())?)
        .await?;
    let filter = CoverageFilter {
        connections: ids(&connections),
        entities: entities_named(&connections, &names(which.entity.as_deref())?)?,
        from: which.from,
        to: which.to,
    };
    let part = Part {
        cursor: which.cursor,
        limit: limit(which.limit)?,
    };
    Ok((connections, filter, part))
}
