//! Inside: the API, asked without a network between. The guard of each route is passed as by anybody else.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::http::guard::AsCaller;
use crate::http::keys::Caller;
use crate::http::problem::Refusal;
use crate::http::{Api, inside};

/// The longest answer of the API that a page is made of.
const LONGEST: usize = 16 << 20;

/// Answers that read much are put together two at a time: a page waits for its turn this often, for so long each time.
const TURNS: u32 = 20;
const TURN: Duration = Duration::from_millis(100);

/// The API inside this process.
#[derive(Debug, Clone)]
pub(super) struct Inside(Router);

/// Something that the API has refused, or that the panel has.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Trouble {
    #[serde(skip)]
    pub(super) status: StatusCode,
    /// A word of the API's closed list.
    pub(super) cause: String,
    pub(super) detail: String,
    pub(super) next: Option<String>,
}

/// What the API has answered.
pub(super) struct Answer {
    /// Where to look on.
    pub(super) location: Option<String>,
    body: Bytes,
}

impl Answer {
    /// The part of it that a page shows; digits as they came.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        let text: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(text).map_err(|error| broken(error.to_string()))
    }
}

impl Trouble {
    pub(super) fn new(status: StatusCode, cause: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            cause: cause.to_owned(),
            detail: detail.into(),
            next: None,
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.cause.status(), refusal.cause.as_str(), refusal.detail())
    }
}

/// The page of it is made where the reader's language is known.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Inside {
    pub(super) fn of(api: &Api) -> Self {
        Self(inside(api))
    }

    /// Reads an address of the API.
    pub(super) async fn get<T: DeserializeOwned>(&self, caller: &Caller, path: &str) -> Result<T, Trouble> {
        let mut turns = TURNS;
        loop {
            let answered = self.send(caller, request(Method::GET, path, None)?).await;
            match answered {
                Err(trouble) if trouble.cause == "too_busy" && turns > 0 => {
                    turns -= 1;
                    tokio::time::sleep(TURN).await;
                }
                answered => return answered?.read(),
            }
        }
    }

    /// Does what an address of the API does. What comes again with the same `once` is not done again.
    pub(super) async fn post(
        &self,
        caller: &Caller,
        path: &str,
        body: Option<&Value>,
        once: Option<&str>,
    ) -> Result<Answer, Trouble> {
        let mut request = request(Method::POST, path, body)?;
        if let Some(once) = once {
            let once = once.parse().map_err(|_| broken("this is no Idempotency-Key"))?;
            request.headers_mut().insert("idempotency-key", once);
        }
        self.send(caller, request).await
    }

    async fn send(&self, caller: &Caller, mut request: Request<Body>) -> Result<Answer, Trouble> {
        request.extensions_mut().insert(AsCaller(caller.clone()));
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let location = response.headers().get(LOCATION);
        let location = location
            .and_then(|place| place.to_str().ok())
            .map(ToOwned::to_owned);
        let bytes = to_bytes(response.into_body(), LONGEST).await;
        let bytes = bytes.map_err(|error| broken(error.to_string()))?;
        if status.is_success() {
            return Ok(Answer {
                location,
                body: bytes,
            });
        }
        let trouble: Trouble = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        Err(Trouble { status, ..trouble })
    }
}

fn request(method: Method, path: &str, body: Option<&Value>) -> Result<Request<Body>, Trouble> {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
    };
    request.map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, "invalid_request", error.to_string()))
}

fn broken(detail: impl Into<String>) -> Trouble {
    Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}
