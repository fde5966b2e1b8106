//! Guard: every request passes it, in this order: who asks, whether that one may, whether the query holds only what is
//! known, whether the body has bounds, whether the same was asked before. Then it is done, counted, and its answer kept.
//!
//! What a request has begun is done to its end, whether or not its client still waits: see [`carried_through`].

use std::net::IpAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ledgerfleet_ledger::http_answers::LEASE;
use ledgerfleet_ledger::{Asked, Ledger};
use ledgerfleet_model::TurnId;
use ledgerfleet_process::Peer;
use ledgerfleet_telemetry::metrics;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::Instrument;
use url::form_urlencoded;

use super::keys::{Caller, judge};
use super::problem::{Cause, Refusal};
use super::route::{Method, Route};
use super::sessions;
use super::{Api, LONGEST_BODY};

/// A body has so long to come.
const BODY: Duration = Duration::from_secs(10);

/// Who asks again for what is under way comes again after this time.
const UNDER_WAY: Duration = Duration::from_secs(1);

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

/// Who asks, where that was found out before: by the panel, which asks inside the process.
#[derive(Debug, Clone)]
pub(crate) struct AsCaller(pub(crate) Caller);

pub(crate) async fn guard(api: Api, route: Route, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let answered = pass(&api, route, request, next).await;
    let mut response = problem(answered.unwrap_or_else(IntoResponse::into_response));
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

/// What the router itself cannot read, as `%ff` in a path, is refused as everything is.
fn problem(response: Response) -> Response {
    let is_text = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/plain");
    let is_plain = response.headers().get(CONTENT_TYPE).is_some_and(is_text);
    if response.status() == StatusCode::BAD_REQUEST && is_plain {
        return Refusal::new(Cause::InvalidRequest, "the address is not UTF-8").into_response();
    }
    response
}

async fn pass(api: &Api, route: Route, mut request: Request, next: Next) -> Result<Response, Refusal> {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let caller = match request.extensions_mut().remove::<AsCaller>() {
        Some(AsCaller(caller)) => caller,
        None => known(api, request.method(), request.headers(), address).await?,
    };
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
        if !request.body().is_end_stream() {
            return Err(takes_none());
        }
        if route.asks_source {
            return carried_through(api, async move { Ok(next.run(request).await) }).await;
        }
        return Ok(next.run(request).await);
    }
    let (head, body) = request.into_parts();
    let bytes = whole(&head.headers, body).await?;
    if route.body.is_none() && !bytes.is_empty() {
        return Err(takes_none());
    }
    if route.body.is_some() && !(route.body_may_lack && bytes.is_empty()) {
        check_kind(&head.headers)?;
    }
    let key = repetition(&head.headers)?.filter(|_| !route.is_secret);
    let asked = key.map(|key| Repeatable::of(&caller, &head, &key, &bytes));
    let request = Request::from_parts(head, Body::from(bytes));
    let doing = api.clone();
    carried_through(api, async move {
        match asked {
            Some(asked) => once(&doing, &asked, request, next).await,
            None => Ok(next.run(request).await),
        }
    })
    .await
}

/// Does this to its end, though nobody may be left to hear the answer: what is metered is counted, what was begun is not left
/// half done, and who asks again gets the answer.
async fn carried_through<F>(api: &Api, doing: F) -> Result<Response, Refusal>
where
    F: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    api.under_way.spawn(doing.in_current_span()).await?
}

fn takes_none() -> Refusal {
    Refusal::new(
        Cause::InvalidRequest,
        "this address takes no body: what is in it would change nothing",
    )
}

/// Who asks. An address that comes again and again with a key that is none is told to wait. A good key is always heard: behind
/// a proxy all have one address, and nobody locks out the others.
async fn known(
    api: &Api,
    method: &axum::http::Method,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<Caller, Refusal> {
    if headers.contains_key(AUTHORIZATION) {
        return limited(api, address, judge(api, headers)).await;
    }
    // A page of the panel reads with its session, and does nothing with it: that takes a proof, which the panel asks for.
    if method == axum::http::Method::GET
        && let Some((_, caller)) = sessions::find(api, headers).await?
    {
        return Ok(caller);
    }
    judge(api, headers).await
}

/// Judges what an address has shown, unless it has shown too many keys that are none.
pub(crate) async fn limited<T>(
    api: &Api,
    address: Option<IpAddr>,
    judging: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let judged = judging.await;
    let Some(address) = address else {
        return judged;
    };
    match &judged {
        Ok(_) => api.limits.succeeded(address),
        Err(refusal) if refusal.cause == Cause::Unauthenticated => {
            api.limits.failed(address).map_err(|wait| {
                let detail = "too many keys that are none came from this address";
                Refusal::new(Cause::TooManyRequests, detail).after(wait)
            })?;
        }
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

/// A request that may be repeated.
struct Repeatable {
    /// Of its caller, its address and its Idempotency-Key.
    key: String,
    /// Of what it asks for there: query and body.
    hash: String,
}

impl Repeatable {
    fn of(caller: &Caller, head: &Parts, key: &str, body: &[u8]) -> Self {
        let hash = |parts: &[&[u8]]| blake3::hash(&parts.join(&b'\n')).to_hex().to_string();
        let place = [&caller.identity, head.method.as_str(), head.uri.path(), key].map(str::as_bytes);
        // A query has no line break.
        let query = head.uri.query().unwrap_or_default();
        Self {
            key: hash(&place),
            hash: hash(&[query.as_bytes(), body]),
        }
    }
}

/// Does a request that may be repeated, unless it was done before or is being done.
async fn once(api: &Api, asked: &Repeatable, request: Request, next: Next) -> Result<Response, Refusal> {
    let ledger = api.ledger();
    match ledger.ask_once(&asked.key, &asked.hash).await? {
        Asked::Differently => Err(Refusal::new(
            Cause::IdempotencyMismatch,
            "this Idempotency-Key came with another query or body before",
        )),
        Asked::UnderWay => Err(Refusal::new(
            Cause::UnderWay,
            "the request of this Idempotency-Key is being done: come again for its answer",
        )
        .after(UNDER_WAY)),
        Asked::Before(answer) => Ok(again(serde_json::from_str(&answer)?)),
        Asked::First(turn) => {
            let answered = at_work(ledger, &asked.key, turn, next.run(request)).await;
            let (kept, response) = keep(answered).await?;
            // What was refused is asked anew: its cause may have been mended.
            if response.status().is_success() {
                let kept = serde_json::to_string(&kept)?;
                ledger.keep_answer(&asked.key, turn, &kept).await?;
            } else {
                ledger.forget_request(&asked.key, turn).await?;
            }
            Ok(response)
        }
    }
}

/// Does this to its end, and says meanwhile that the request is being done. A database that is away for a moment changes
/// nothing.
async fn at_work<T>(ledger: &dyn Ledger, key: &str, turn: TurnId, doing: impl Future<Output = T>) -> T {
    let mut doing = pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            () = sleep(LEASE / 4) => {
                if let Err(error) = ledger.renew_turn(key, turn).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "that a request is being done cannot be said now");
                }
            }
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
