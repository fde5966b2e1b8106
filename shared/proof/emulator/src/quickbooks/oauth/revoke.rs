//! The revocation endpoint: either token ends the consent. Upstream documents JSON; clients send forms too, as RFC 7009 has it.

use std::sync::Arc;

use axum::Form;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::Deserialize;

use super::knows_keys;
use crate::quickbooks::answer::{Note, send};
use crate::server::reply::Reply;
use crate::server::wire::Cord;
use crate::upstream::Upstream;

const PATH: &str = "/v2/oauth2/tokens/revoke";

#[derive(Debug, Deserialize)]
struct Revocation {
    token: String,
}

pub(crate) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let arrived_at = upstream.clock.now();
    let revocation = read(&headers, request).await;
    let reply = answer(&upstream, &headers, revocation.as_ref());
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

async fn read(headers: &HeaderMap, request: Request) -> Option<Revocation> {
    let form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if form {
        let Form(revocation) = Form::from_request(request, &()).await.ok()?;
        return Some(revocation);
    }
    let body = Bytes::from_request(request, &()).await.ok()?;
    serde_json::from_slice(&body).ok()
}

fn answer(upstream: &Upstream, headers: &HeaderMap, revocation: Option<&Revocation>) -> Reply {
    if !knows_keys(upstream, headers) {
        return Reply::json(401, r#"{"error":"invalid_client"}"#.to_owned());
    }
    let revoked = revocation.is_some_and(|it| upstream.tokens.revoke(&it.token).is_ok());
    Reply::empty(if revoked { 200 } else { 400 })
}
