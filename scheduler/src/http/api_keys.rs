//! API keys: the list of them.

use axum::extract::State;
use axum::{Extension, Json};
use ledgerfleet_ledger::{ApiKey, Scope};

use super::Api;
use super::keys::Caller;
use super::problem::Refusal;
use super::route::Route;
use super::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get("/api/v1/keys", Scope::Admin, "Every key, without its secret"),
        list,
    )
}

async fn list(State(api): State<Api>, Extension(_): Extension<Caller>) -> Result<Json<Vec<ApiKey>>, Refusal> {
    Ok(Json(api.ledger().api_keys().await?))
}
