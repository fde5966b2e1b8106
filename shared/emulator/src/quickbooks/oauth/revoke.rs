//! The revocation endpoint: either token ends the consent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::knows_keys;
use crate::quickbooks::answer::{Note, send};
use crate::server::reply::Reply;
use crate::server::upstream::Upstream;
use crate::server::wire::Cord;

const PATH: &str = "/v2/oauth2/tokens/revoke";

#[derive(Debug, Deserialize)]
struct Revocation {
    token: String,
}

pub(crate) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arrived_at = upstream.clock.now();
    let reply = answer(&upstream, &headers, &body);
    send(
        &upstream,
        &cord,
        reply,
        Note {
            method: "POST",
            path: PATH,
            query: None,
            company: None,
            arrived_at,
            visit: None,
        },
    )
}

fn answer(upstream: &Upstream, headers: &HeaderMap, body: &[u8]) -> Reply {
    if !knows_keys(upstream, headers) {
        return Reply::json(401, r#"{"error":"invalid_client"}"#.to_owned());
    }
    let revoked =
        serde_json::from_slice::<Revocation>(body).is_ok_and(|it| upstream.tokens.revoke(&it.token).is_ok());
    Reply::empty(if revoked { 200 } else { 400 })
}
