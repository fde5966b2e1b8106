//! Enter: every page passes it. Who asks, in which language, whether what is sent comes from a page of the panel; and the
//! headers of every answer.

use std::net::IpAddr;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use ledgerfleet_process::Peer;
use ledgerfleet_telemetry::metrics;
use url::form_urlencoded;

use super::Panel;
use super::inside::Trouble;
use super::protect::protect;
use super::shell::{Shell, trouble_page};
use super::texts::Language;
use super::visit::{Sent, Theme, Visit};
use crate::http::guard::limited;
use crate::http::keys::{Caller, judge};
use crate::http::sessions::{self, Session, cookie};

/// The addresses of pages, as metrics tell them apart.
const ROUTES: [&str; 24] = [
    "/",
    "/runs",
    "/runs/new",
    "/runs/{id}",
    "/runs/{id}/{what}",
    "/dead-letters",
    "/dead-letters/replay",
    "/dead-letters/drop",
    "/dead-letters/{id}",
    "/verified",
    "/verified/begin",
    "/verified/{id}",
    "/quarantine",
    "/quarantine/ask",
    "/quota",
    "/connections",
    "/connections/{name}",
    "/connections/{name}/{what}",
    "/sync",
    "/audit",
    "/state",
    "/sign-in",
    "/sign-out",
    "/choose",
];

/// The longest form.
const LONGEST_FORM: usize = 1 << 18;

pub(super) async fn enter(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = pass(&panel, request, next).await;
    protect(response.headers_mut());
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let route = ROUTES
        .into_iter()
        .find(|known| route.as_ref().is_some_and(|route| route.as_str() == *known));
    let method = if method == Method::POST { "POST" } else { "GET" };
    metrics::http_answered(
        route.unwrap_or("/"),
        method,
        response.status().as_u16(),
        began.elapsed(),
    );
    response
}

async fn pass(panel: &Panel, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let at_the_door = matches!(head.uri.path(), "/sign-in" | "/choose");
    let mut visit = greet(
        &head.headers,
        head.uri.path_and_query().map_or("/", |place| place.as_str()),
    );
    let address = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let known = recognise(panel, &head.headers, address).await;
    let renewed = match known {
        Ok((session, caller)) => {
            let renewed = session
                .as_ref()
                .and_then(|session| session.renewed(panel.api.parts.clock.now()));
            visit.proof = panel.api.sessions.proof(session.as_ref());
            (visit.session, visit.caller) = (session, Some(caller));
            renewed
        }
        Err(_) if at_the_door => None,
        Err(trouble) if trouble.status == StatusCode::UNAUTHORIZED => {
            return to_the_door(&head.method, &visit.place);
        }
        Err(trouble) => return trouble_page(&Shell::of(&visit, ""), &trouble),
    };
    let body = if head.method == Method::POST {
        match received(&head.headers, body, &visit, at_the_door).await {
            Ok(sent) => {
                head.extensions.insert(sent);
                Body::empty()
            }
            Err(trouble) => return trouble_page(&Shell::of(&visit, ""), &trouble),
        }
    } else {
        body
    };
    head.extensions.insert(visit.clone());
    let headers = head.headers.clone();
    let response = next.run(Request::from_parts(head, body)).await;
    let mut response = match response.extensions().get::<Trouble>() {
        Some(trouble) if trouble.status == StatusCode::UNAUTHORIZED => {
            to_the_door(&Method::GET, &visit.place)
        }
        Some(trouble) => trouble_page(&Shell::of(&visit, ""), trouble),
        None => response,
    };
    if let Some(session) = renewed
        && !response.headers().contains_key(SET_COOKIE)
        && let Ok(cookie) = session.cookie(&panel.api, &headers)
        && let Ok(cookie) = HeaderValue::from_str(&cookie)
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Who has a session, or whoever is on this machine while there is no key.
async fn recognise(
    panel: &Panel,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<(Option<Session>, Caller), Trouble> {
    if let Some((session, caller)) = sessions::find(&panel.api, headers).await? {
        return Ok((Some(session), caller));
    }
    // A key in the header is judged as the API judges it, guesses included.
    let address = address.filter(|_| headers.contains_key(AUTHORIZATION));
    Ok((
        None,
        limited(&panel.api, address, judge(&panel.api, headers)).await?,
    ))
}

fn greet(headers: &HeaderMap, place: &str) -> Visit {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let chosen = cookie(headers, "panel_language").and_then(Language::of_code);
    let accepted = || text(ACCEPT_LANGUAGE).and_then(Language::accepted);
    Visit {
        caller: None,
        session: None,
        language: chosen.or_else(accepted).unwrap_or(Language::English),
        theme: cookie(headers, "panel_theme").map_or(Theme::System, Theme::of_word),
        place: place.to_owned(),
        proof: String::new(),
        is_here: sessions::is_to_here(headers),
    }
}

/// Where to sign in, and to come back to afterwards. What was to be done is not done by itself after it.
fn to_the_door(method: &Method, place: &str) -> Response {
    let back = if method == Method::GET { place } else { "/" };
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?back={back}")).into_response()
}

/// The form, if it comes from a page of the panel.
async fn received(
    headers: &HeaderMap,
    body: Body,
    visit: &Visit,
    at_the_door: bool,
) -> Result<Sent, Trouble> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !is_of_the_panel(text("sec-fetch-site"), text(ORIGIN.as_str()), text(HOST.as_str())) {
        return Err(forged());
    }
    let bytes = to_bytes(body, LONGEST_FORM).await;
    let bytes = bytes.map_err(|_| Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", String::new()))?;
    let sent = Sent::of_form(&bytes);
    // Where nobody is known yet there is nothing that a forged form could use.
    let proof = sent.value("proof").unwrap_or_default();
    let is_proven = blake3::hash(proof.as_bytes()) == blake3::hash(visit.proof.as_bytes());
    if at_the_door || (is_proven && !visit.proof.is_empty()) {
        return Ok(sent);
    }
    Err(forged())
}

fn forged() -> Trouble {
    Trouble::new(StatusCode::FORBIDDEN, "forged", String::new())
}

/// Whether a browser says that this comes from a page of the same host. A proxy with TLS before the panel changes the scheme,
/// and may not say so: the host alone is compared.
fn is_of_the_panel(site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> bool {
    let is_same_site = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host_of = |origin: &str| origin.split_once("://").map(|(_, host)| host.to_owned());
    let is_same_host = origin.is_none_or(|origin| host_of(origin).as_deref() == host);
    is_same_site && is_same_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_told_by_what_browsers_say() {
        let host = Some("books.example:8400");
        for (site, origin, is) in [
            (None, None, true),
            (Some("same-origin"), Some("https://books.example:8400"), true),
            (Some("none"), None, true),
            (None, Some("http://books.example:8400"), true),
            (Some("cross-site"), None, false),
            (Some("same-site"), None, false),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
            (Some("same-origin"), Some("https://books.example"), false),
        ] {
            assert_eq!(is_of_the_panel(site, origin, host), is, "{site:?} {origin:?}");
        }
    }
}
