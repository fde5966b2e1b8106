//! The token endpoint: a code or a refresh token for an access token.

use std::fmt::Display;
use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use tokio::time::sleep;

use super::{authorization, knows_keys};
use crate::faults::{Facts, Surface};
use crate::json::Json;
use crate::quickbooks::answer::{Note, send};
use crate::quickbooks::echo::Sent;
use crate::quickbooks::strike;
use crate::server::bend;
use crate::server::reply::Reply;
use crate::server::wire::Cord;
use crate::switches::{Switches, TokenNumbers};
use crate::tokens::{ACCESS_SECONDS, Grant, InvalidGrant};
use crate::upstream::Upstream;

const PATH: &str = "/oauth2/v1/tokens/bearer";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenRequest {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

pub(crate) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let arrived_at = upstream.clock.now();
    let request = form.map(|Form(request)| request);
    let company = request
        .as_ref()
        .ok()
        .and_then(|request| company_of(&upstream, request));
    let facts = Facts {
        surface: Surface::Token,
        company: company.map(|index| {
            (
                upstream.companies[index].name.as_str(),
                upstream.companies[index].realm.as_str(),
            )
        }),
        entity: None,
        path: PATH,
    };
    let strikes = upstream.faults.strike(&facts);
    for fault in &strikes {
        sleep(fault.delay()).await;
    }
    let switches = upstream.switches();
    let sent = Sent {
        token: request
            .as_ref()
            .ok()
            .and_then(|request| request.refresh_token.as_deref())
            .unwrap_or_default(),
        authorization: authorization(&headers).unwrap_or_default(),
    };
    let instead = strikes
        .iter()
        .find_map(|fault| strike::instead(fault, &switches, &sent, arrived_at));
    let reply = instead.unwrap_or_else(|| answer(&upstream, &headers, request.as_ref().ok()));
    let reply = strikes
        .iter()
        .fold(reply.uncached(), |reply, fault| bend(fault, reply))
        .pack();
    send(
        &upstream,
        &cord,
        reply,
        Note {
            method: "POST",
            path: PATH,
            query: None,
            company,
            arrived_at,
            visit: None,
        },
    )
}

fn company_of(upstream: &Upstream, request: &TokenRequest) -> Option<usize> {
    let grant = request.refresh_token.as_ref().or(request.code.as_ref())?;
    upstream.tokens.company_of(grant)
}

fn answer(upstream: &Upstream, headers: &HeaderMap, request: Option<&TokenRequest>) -> Reply {
    let Some(request) = request else {
        return error(400, "invalid_request");
    };
    let in_form = request.client_id.as_ref() == Some(&upstream.client_id)
        && request.client_secret.as_ref() == Some(&upstream.client_secret);
    if !in_form && !knows_keys(upstream, headers) {
        return error(401, "invalid_client");
    }
    let now = upstream.clock.now().timestamp();
    let switches = upstream.switches();
    let grant = match (
        request.grant_type.as_deref(),
        &request.refresh_token,
        &request.code,
        &request.redirect_uri,
    ) {
        (Some("refresh_token"), Some(value), _, _) => upstream.tokens.refresh(value, now, &switches),
        (Some("authorization_code"), _, Some(code), Some(redirect)) => {
            upstream.tokens.exchange(code, redirect, now, &switches)
        }
        (Some("refresh_token" | "authorization_code") | None, ..) => return error(400, "invalid_request"),
        (Some(_), ..) => return error(400, "unsupported_grant_type"),
    };
    match grant {
        Ok(grant) => Reply::json(200, body(&grant, headers, &switches)),
        Err(InvalidGrant) => Reply::json(
            400,
            r#"{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}"#
                .to_owned(),
        ),
    }
}

/// The realm is never among these members: only the redirect of the consent tells it.
fn body(grant: &Grant, headers: &HeaderMap, switches: &Switches) -> String {
    let hard = headers
        .get("x-include-refresh-token-hard-expires-in")
        .is_some_and(|value| value == "true");
    let seconds = |json: &mut Json, key: &str, seconds: &dyn Display| match switches.token_numbers {
        TokenNumbers::Numbers => json.value(key, seconds),
        TokenNumbers::Strings => json.quoted(key, seconds),
    };
    let mut json = Json::default();
    json.element(|json| {
        seconds(json, "x_refresh_token_expires_in", &grant.refresh_expires_in);
        json.text("refresh_token", &grant.refresh_token);
        json.text("access_token", &grant.access_token);
        json.text("token_type", "bearer");
        match &switches.expires_in {
            Some(claimed) => seconds(json, "expires_in", claimed),
            None => seconds(json, "expires_in", &ACCESS_SECONDS),
        }
        if hard {
            seconds(json, "x_refresh_token_hard_expires_in", &grant.hard_expires_in);
        }
    });
    json.into_string()
}

fn error(status: u16, name: &str) -> Reply {
    Reply::json(status, format!("{{\"error\":\"{name}\"}}"))
}
