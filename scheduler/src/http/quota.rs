//! Quota: what was used of the metered calls of a month, and what is left. The month is shared by all companies, so its total
//! is told to every key; of single companies a key is told those that it sees.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use ledgerfleet_connectors::REGISTRY;
use ledgerfleet_ledger::Scope;
use serde::{Deserialize, Serialize};

use super::Api;
use super::calls::month_of;
use super::keys::Caller;
use super::problem::Refusal;
use super::read::{limit, names, query};
use super::route::Route;
use super::routes::Routes;
use crate::commands::quota::quota;
use crate::views::quota::Quota;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    month: Option<String>,
    connection: Option<String>,
    limit: Option<u32>,
}

/// The quota of a connector, with the companies that used most.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    quota: Quota,
    /// Companies that used some and are not listed.
    companies_left_out: usize,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/quota",
            Scope::Read,
            "What is used and left of a month's metered calls, by connector; the month is the source's own",
        )
        .with(&[
            ("month", "this one where it is left out, as 2026-05"),
            (
                "connection",
                "names, with commas between; all where it is left out",
            ),
            (
                "limit",
                "companies listed of a connector, those that used most: 1 to 1000; 100 where nothing is said",
            ),
        ]),
        show,
    )
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<Shown>>, Refusal> {
    let which: Which = query(&uri)?;
    let month = which.month.as_deref().map(month_of).transpose()?;
    let most = usize::try_from(limit(which.limit)?)?;
    let companies = api
        .companies(&caller, &names(which.connection.as_deref())?)
        .await?;
    let mut shown = Vec::new();
    for entry in REGISTRY {
        let Some(allowance) = api.parts.budget.allowance(entry.name) else {
            continue;
        };
        let mut quota = quota(&api.parts, entry.name, &allowance, month).await?;
        let used = &mut quota.companies;
        used.retain(|share| companies.iter().any(|company| company.name == share.connection));
        used.sort_by(|a, b| {
            b.calls
                .cmp(&a.calls)
                .then_with(|| a.connection.cmp(&b.connection))
        });
        let companies_left_out = used.len().saturating_sub(most);
        used.truncate(most);
        shown.push(Shown {
            quota,
            companies_left_out,
        });
    }
    Ok(Json(shown))
}
