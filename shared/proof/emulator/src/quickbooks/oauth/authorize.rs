//! The consent page: a button for each company and one to refuse, which work without scripts. Who names a company, or
//! refuses, in the address is sent back at once: that is what a button does.

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
    /// The company to connect, by name or realm: that button was pressed.
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
    let Some(name) = consent.company.as_deref() else {
        return choice(upstream, consent);
    };
    let Some(company) = upstream.company(name) else {
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

/// The page with its buttons.
fn choice(upstream: &Upstream, consent: &Consent) -> Reply {
    let kept = [
        ("client_id", &consent.client_id),
        ("response_type", &consent.response_type),
        ("scope", &consent.scope),
        ("redirect_uri", &consent.redirect_uri),
        ("state", &consent.state),
    ];
    let hidden: Vec<String> = kept
        .iter()
        .map(|(name, value)| {
            let value = escaped(value.as_deref().unwrap_or_default());
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
        })
        .collect();
    let buttons: Vec<String> = upstream
        .companies
        .iter()
        .map(|company| {
            let (name, realm) = (escaped(&company.name), escaped(&company.realm));
            format!(
                "<p><button name=\"company\" value=\"{realm}\">Connect {name} (realm {realm})</button></p>\n"
            )
        })
        .collect();
    Reply::html(
        200,
        &format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Consent</title></head><body>\n\
             <h1>Which company shall the app read?</h1>\n<form method=\"get\" action=\"{PATH}\">\n{}{}\
             <p><button name=\"refuse\" value=\"1\">No, thanks</button></p>\n</form></body></html>\n",
            hidden.concat(),
            buttons.concat()
        ),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
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
