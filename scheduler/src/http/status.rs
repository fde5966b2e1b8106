//! Status: how everything stands, and why it is not well where it is not.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use ledgerfleet_ledger::{EntityTotals, Scope};
use ledgerfleet_model::{ConnectionState, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Api;
use super::keys::Caller;
use super::problem::Refusal;
use super::read::{ids, polled_as, query};
use super::route::Route;
use super::routes::Routes;
use crate::braked::{closed, line};
use crate::commands::status::companies;
use crate::commands::sync::states;
use crate::views::companies::CompanyRow;
use crate::views::syncs::StateRow;

/// How everything stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Healthy,
    Degraded,
    Unhealthy,
}
words!(Health {
    Healthy => "healthy",
    Degraded => "degraded",
    Unhealthy => "unhealthy",
});

/// The whole page.
#[derive(Serialize)]
struct Status {
    #[serde(rename = "status")]
    health: Health,
    reasons: Vec<String>,
    companies: Vec<CompanyRow>,
    entities: Vec<EntityTotals>,
    /// How far each entity of each company is in sync, with its last success.
    sync: Vec<StateRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/status",
            Scope::Read,
            "How everything stands: healthy, degraded or unhealthy, and why",
        ),
        status,
    )
}

async fn status(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let NoQuery {} = query(&uri)?;
    let _place = api.heavy()?;
    let connections = api.seen(&caller).await?;
    let brakes = closed(api.ledger(), &connections).await?;
    let companies = companies(&api.parts, &connections, &brakes).await?;
    let seen = ids(&connections);
    let mut entities = api.ledger().entity_totals().await?;
    entities.retain(|totals| seen.contains(&totals.connection));
    let sync = states(&api.parts, &connections, api.sync.every).await?;
    let faults = api.readiness.faults().await;
    let mut reasons: Vec<(Health, String)> = faults
        .into_iter()
        .map(|fault| (Health::Unhealthy, fault))
        .collect();
    for row in &companies {
        reasons.extend(reasons_of(row));
    }
    reasons.extend(
        brakes
            .iter()
            .map(|brake| (Health::Degraded, line(brake, &connections))),
    );
    reasons.extend(sync.iter().filter_map(failing));
    let worst = reasons.iter().map(|(health, _)| *health).max();
    let told = Status {
        health: worst.unwrap_or(Health::Healthy),
        reasons: reasons.into_iter().map(|(_, why)| why).collect(),
        companies,
        entities,
        sync,
    };
    Ok(polled_as(&headers, &told, &unaged(&told)?))
}

/// The text of a status without what grows old by itself.
fn unaged(told: &Status) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(told)?;
    for (rows, lag) in [("companies", "sync_lag_seconds"), ("sync", "lag_seconds")] {
        for row in value[rows].as_array_mut().into_iter().flatten() {
            row[lag] = Value::Null;
        }
    }
    Ok(value.to_string())
}

fn failing(row: &StateRow) -> Option<(Health, String)> {
    let why = row.message.as_deref().unwrap_or("no sync of it ends well");
    let told = || format!("{} {} is not in sync: {why}", row.connection, row.entity);
    (row.failures > 0).then(|| (Health::Degraded, told()))
}

fn reasons_of(row: &CompanyRow) -> Vec<(Health, String)> {
    let name = &row.connection;
    let mut reasons = Vec::new();
    match row.state {
        ConnectionState::NeedsReauthorisation => {
            reasons.push((Health::Unhealthy, format!("{name} needs authorisation")));
        }
        ConnectionState::Paused => reasons.push((Health::Degraded, format!("{name} is paused"))),
        ConnectionState::Active | ConnectionState::Removed => {}
    }
    if row.dead_letters > 0 {
        let why = format!("{name} has {} dead letters", row.dead_letters);
        reasons.push((Health::Degraded, why));
    }
    if row.gaps > 0 {
        reasons.push((Health::Degraded, format!("{name} lacks {} days", row.gaps)));
    }
    reasons
}
