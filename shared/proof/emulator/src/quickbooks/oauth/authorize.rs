//! The consent page: nobody is asked, the browser is sent back at once.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::header::LOCATION;
use axum::response::Response;
use serde::Deserialize;

use crate::quickbooks::answer::{Note, send};
use crate::server::reply::Reply;
use crate::server::wire::Cord;
use crate::upstream::Upstream;

const PATH: &str = "/connect/oauth2";
const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// Upstream's parameters and two of the emulator's own, which stand for what a person would click.
#[derive(Debug, Deserialize)]
pub(crate) struct Consent {
    client_id: Option<String>,
    scope: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    state: Option<String>,
    /// The company to connect, by name or realm; the first unless given.
    company: Option<String>,
    /// Anything: the person refuses.
    refuse: Option<String>,
}

pub(crate) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    Query(consent): Query<Consent>,
) -> Response {
    let arrived_at = upstream.clock.now();
    let reply = answer(&upstream, &consent);
    send(
        &upstream,
        &cord,
        reply,
        Note {
            method: "GET",
            path: PATH,
            query: None,
            company: None,
            arrived_at,
            visit: None,
        },
    )
}

fn answer(upstream: &Upstream, consent: &Consent) -> Reply {
    let (Some(redirect), Some(state)) = (&consent.redirect_uri, &consent.state) else {
        return page("redirect_uri and state are required");
    };
    if consent.client_id.as_ref() != Some(&upstream.client_id) {
        return page("the client_id is unknown");
    }
    if consent.response_type.as_deref() != Some("code") {
        return page("response_type must be code");
    }
    let back = |parameters: &[(&str, &str)]| {
        let mut target = redirect.clone();
        target.push(if redirect.contains('?') { '&' } else { '?' });
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        Reply::empty(302).with(LOCATION, &(target + &pairs.join("&")))
    };
    let scopes = consent.scope.as_deref().unwrap_or("");
    if !scopes.split(' ').any(|scope| scope == SCOPE) {
        return back(&[("error", "invalid_scope"), ("state", state)]);
    }
    if consent.refuse.is_some() {
        return back(&[("error", "access_denied"), ("state", state)]);
    }
    let wanted = consent
        .company
        .as_deref()
        .map_or(Some(0), |name| upstream.company(name));
    let Some(company) = wanted else {
        return page("there is no such company");
    };
    let code = upstream
        .tokens
        .issue_code(company, redirect.clone(), upstream.clock.now().timestamp());
    back(&[
        ("code", &code),
        ("state", state),
        ("realmId", &upstream.companies[company].realm),
    ])
}

fn page(problem: &str) -> Reply {
    Reply::html(
        400,
        &format!("<!DOCTYPE html>\n<html><body><h1>Sorry</h1><p>{problem}</p></body></html>\n"),
    )
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
