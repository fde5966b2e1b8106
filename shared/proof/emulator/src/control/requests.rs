//! The requests' control: what the fleet really did, as the upstream saw it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::{Refusal, parameters};
use crate::server::traffic::CompanyTraffic;
use crate::tokens::TokenTraffic;
use crate::upstream::Upstream;

/// What all companies saw since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// API requests of all companies.
    pub requests: u64,
    /// Those that exceeded the rate.
    pub throttled: u64,
    /// Those that upstream would charge.
    pub metered: u64,
    /// Company by company.
    pub companies: Vec<CompanySummary>,
}

/// What one company saw since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanySummary {
    /// Its API requests.
    #[serde(flatten)]
    pub api: CompanyTraffic,
    /// Its token requests.
    pub tokens: TokenTraffic,
}

impl Summary {
    /// The part of the company of that name or realm.
    pub fn company(&self, name: &str) -> Option<&CompanySummary> {
        self.companies
            .iter()
            .find(|company| company.api.name == name || company.api.realm == name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `1` for totals instead of single requests.
    summary: Option<u8>,
}

pub(super) async fn serve(State(upstream): State<Arc<Upstream>>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let Wanted { summary: wanted } = parameters(&uri)?;
    if wanted == Some(1) {
        return Ok(Json(json!(summary(&upstream))));
    }
    let (requests, forgotten) = upstream.traffic.logged();
    Ok(Json(json!({ "requests": requests, "forgotten": forgotten })))
}

pub(crate) fn summary(upstream: &Upstream) -> Summary {
    let companies = (0..upstream.companies.len()).map(|index| CompanySummary {
        api: CompanyTraffic {
            name: upstream.companies[index].name.clone(),
            realm: upstream.companies[index].realm.clone(),
            ..upstream.traffic.summary(index)
        },
        tokens: upstream.tokens.traffic(index),
    });
    let firms = upstream
        .firms
        .all()
        .iter()
        .enumerate()
        .map(|(place, firm)| CompanySummary {
            api: CompanyTraffic {
                name: firm.name.clone(),
                realm: firm.ruc.clone(),
                ..upstream.traffic.summary(upstream.firm_traffic(place))
            },
            tokens: TokenTraffic::default(),
        });
    let companies: Vec<CompanySummary> = companies.chain(firms).collect();
    Summary {
        requests: companies.iter().map(|company| company.api.requests).sum(),
        throttled: companies.iter().map(|company| company.api.throttled).sum(),
        metered: companies.iter().map(|company| company.api.metered).sum(),
        companies,
    }
}
