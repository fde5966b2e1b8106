//! QuickBooks Online: the routes of its API and of its authorization server.

mod answer;
mod api;
mod batch;
mod call;
mod cdc;
mod echo;
mod fault_body;
mod oauth;
pub(crate) mod query;
mod strike;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};

use crate::upstream::Upstream;

/// Upstream tells sandbox and production apart by host. Here the prefix names the world; without one, and without a host
/// that says it, a company is found in either.
pub(crate) fn routes() -> Router<Arc<Upstream>> {
    Router::new()
        .route("/v3/company/{realm}/{*resource}", any(api::serve))
        .route("/sandbox/v3/company/{realm}/{*resource}", any(api::serve))
        .route("/production/v3/company/{realm}/{*resource}", any(api::serve))
        .route("/oauth2/v1/tokens/bearer", post(oauth::bearer::serve))
        .route("/v2/oauth2/tokens/revoke", post(oauth::revoke::serve))
        .route("/connect/oauth2", get(oauth::authorize::serve))
        .route(
            "/.well-known/openid_configuration",
            get(oauth::discovery::production),
        )
        .route(
            "/.well-known/openid_configuration/",
            get(oauth::discovery::production),
        )
        .route(
            "/.well-known/openid_sandbox_configuration",
            get(oauth::discovery::sandbox),
        )
        .route(
            "/.well-known/openid_sandbox_configuration/",
            get(oauth::discovery::sandbox),
        )
        .fallback(answer::no_such_path)
}
