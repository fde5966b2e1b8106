//! Guard: every request passes it, in this order: who asks, whether that one may, whether the query holds only what is
//! known, whether the body has bounds, whether the same was asked before. Then it is done, counted, and its answer kept.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ledgerfleet_ledger::Asked;
use ledgerfleet_process::Peer;
use ledgerfleet_telemetry::metrics;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::keys::{Caller, judge};
use super::problem::{Cause, Refusal};
use super::route::{Method, Route};
use super::{Api, LONGEST_BODY};

/// A body has so long to come.
const BODY: Duration = Duration::from_secs(10);

/// The longest key of a repetition.
const LONGEST_KEY: usize = 200;

/// An answer that is repeated.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
    body: String,
}

pub(crate) async fn guard(api: Api, route: Route, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let answered = pass(&api, route, request, next).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers
        .entry("cache-control")
        .or_insert(HeaderValue::from_static("no-store"));
    metrics::http_answered(
        route.path,
        route.method.as_str(),
        response.status().as_u16(),
        began.elapsed(),
    );
    response
}

async fn pass(api: &Api, route: Route, mut request: Request, next: Next) -> Result<Response, Refusal> {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let caller = known(api, request.headers(), address).await?;
    if let Err(wait) = api.limits.request(&caller.identity) {
        let detail = "this key asks too often: at most 100 a second for long";
        return Err(Refusal::new(Cause::TooManyRequests, detail).after(wait));
    }
    if !caller.scopes.contains(&route.scope) {
        return Err(Refusal::new(
            Cause::InsufficientScope,
            format!("this key has not the scope `{}`", route.scope),
        ));
    }
    check_query(route, request.uri().query().unwrap_or_default())?;
    request.extensions_mut().insert(caller.clone());
    if route.method == Method::Get {
        return Ok(next.run(request).await);
    }
    let (head, body) = request.into_parts();
    let bytes = whole(&head.headers, body).await?;
    if route.body.is_some() && !(route.body_may_lack && bytes.is_empty()) {
        check_kind(&head.headers)?;
    }
    let key = repetition(&head.headers)?;
    let request = Request::from_parts(head, Body::from(bytes.clone()));
    match key {
        Some(key) if !route.is_secret => once(api, route, &caller, &key, &bytes, request, next).await,
        _ => Ok(next.run(request).await),
    }
}

/// Who asks. An address that comes again and again with a key that is none is not heard for a while.
async fn known(api: &Api, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Caller, Refusal> {
    let Some(address) = address.filter(|_| headers.contains_key(AUTHORIZATION)) else {
        return judge(api, headers).await;
    };
    if let Err(wait) = api.limits.may_try(address) {
        let detail = "too many keys that are none came from this address";
        return Err(Refusal::new(Cause::TooManyRequests, detail).after(wait));
    }
    let judged = judge(api, headers).await;
    match &judged {
        Ok(_) => api.limits.succeeded(address),
        Err(refusal) if refusal.cause == Cause::Unauthenticated => api.limits.failed(address),
        Err(_) => {}
    }
    judged
}

/// A parameter that is not known might have been meant to narrow what is done.
fn check_query(route: Route, query: &str) -> Result<(), Refusal> {
    let known = |name: &str| route.query.iter().any(|(known, _)| *known == name);
    let mut seen = Vec::new();
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known(&name) {
            let detail = format!("there is no parameter `{}` here", name.escape_debug());
            return Err(Refusal::new(Cause::UnknownParameter, detail));
        }
        if seen.contains(&name) {
            return Err(Refusal::new(
                Cause::InvalidRequest,
                format!("`{name}` is there twice"),
            ));
        }
        seen.push(name);
    }
    Ok(())
}

/// The body, if it comes in time and is not too large.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(Cause::TooLarge, "a body has at most 1 MiB");
    let told = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if told
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > LONGEST_BODY)
    {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refusal::new(
            Cause::TooSlow,
            "the body did not come within ten seconds",
        )),
    }
}

/// A form of a web page cannot be sent as JSON.
fn check_kind(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::new(
        Cause::UnsupportedMediaType,
        "a body is sent with the header `Content-Type: application/json`",
    ))
}

fn repetition(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let detail = format!("an Idempotency-Key has 1 to {LONGEST_KEY} characters of ASCII");
        Refusal::new(Cause::InvalidRequest, detail)
    })?;
    Ok(Some(key.to_owned()))
}

/// Does a request that may be repeated. Its key is its caller's, and belongs to this address.
async fn once(
    api: &Api,
    route: Route,
    caller: &Caller,
    key: &str,
    bytes: &Bytes,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let place = request.uri().path().to_owned();
    let hash = |text: &[u8]| blake3::hash(text).to_hex().to_string();
    let parts = [caller.identity.as_str(), route.method.as_str(), &place, key];
    let request_key = hash(parts.join("\n").as_bytes());
    match api.ledger().ask_once(&request_key, &hash(bytes)).await? {
        Asked::Differently => Err(Refusal::new(
            Cause::IdempotencyMismatch,
            "this Idempotency-Key came with another body before",
        )),
        Asked::Before(answer) => Ok(again(serde_json::from_str(&answer)?)),
        Asked::First => {
            let (kept, response) = keep(next.run(request).await).await?;
            // What may succeed the next time is asked anew.
            if kept.status < 500 {
                let text = serde_json::to_string(&kept)?;
                api.ledger().keep_answer(&request_key, &text).await?;
            }
            Ok(response)
        }
    }
}

async fn keep(response: Response) -> Result<(Kept, Response), Refusal> {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 8 * LONGEST_BODY).await?;
    let text = |name| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned)
    };
    let kept = Kept {
        status: head.status.as_u16(),
        location: text(LOCATION),
        content_type: text(CONTENT_TYPE),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    Ok((kept, Response::from_parts(head, Body::from(bytes))))
}

fn again(kept: Kept) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (name, value) in [(LOCATION, kept.location), (CONTENT_TYPE, kept.content_type)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}
