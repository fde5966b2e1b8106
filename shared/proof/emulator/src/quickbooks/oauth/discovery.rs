//! The discovery documents: where everything is. The two differ only in the address of the user's data.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;

use crate::json::Json;
use crate::quickbooks::answer::{Note, send};
use crate::server::reply::Reply;
use crate::server::wire::Cord;
use crate::upstream::Upstream;

pub(crate) async fn production(upstream: State<Arc<Upstream>>, cord: ConnectInfo<Cord>) -> Response {
    answer(
        &upstream,
        &cord,
        "/v1/openid_connect/userinfo",
        "/.well-known/openid_configuration",
    )
}

pub(crate) async fn sandbox(upstream: State<Arc<Upstream>>, cord: ConnectInfo<Cord>) -> Response {
    answer(
        &upstream,
        &cord,
        "/sandbox/v1/openid_connect/userinfo",
        "/.well-known/openid_sandbox_configuration",
    )
}

fn answer(upstream: &Upstream, cord: &Cord, userinfo: &str, path: &str) -> Response {
    let arrived_at = upstream.clock.now();
    let reply = Reply::json(200, document(&upstream.url, userinfo));
    send(
        upstream,
        cord,
        reply,
        Note {
            method: "GET",
            path,
            query: None,
            company: None,
            arrived_at,
            visit: None,
        },
    )
}

fn document(url: &str, userinfo: &str) -> String {
    let mut json = Json::default();
    json.element(|json| {
        json.text("issuer", &format!("{url}/op/v1"));
        json.text("authorization_endpoint", &format!("{url}/connect/oauth2"));
        json.text("token_endpoint", &format!("{url}/oauth2/v1/tokens/bearer"));
        json.text("userinfo_endpoint", &format!("{url}{userinfo}"));
        json.text("revocation_endpoint", &format!("{url}/v2/oauth2/tokens/revoke"));
        json.text("jwks_uri", &format!("{url}/op/v1/jwks"));
        json.raw_member(
            r#""response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"],"scopes_supported":["openid","email","profile","address","phone"],"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"],"claims_supported":["aud","exp","iat","iss","realmid","sub"]"#,
        );
    });
    json.into_string()
}
