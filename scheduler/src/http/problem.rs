//! Problem: what is refused, as RFC 9457 has it, with a cause of a closed list.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ledgerfleet_model::words;
use serde::Serialize;

use crate::exit::{Exit, Problem, explained};

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    InvalidRequest,
    UnknownParameter,
    MalformedBody,
    Unauthenticated,
    InsufficientScope,
    NotFound,
    MethodNotAllowed,
    Conflict,
    UnderWay,
    NeedsAuthorisation,
    TooSlow,
    TooLarge,
    UnsupportedMediaType,
    IdempotencyMismatch,
    TooManyRequests,
    TooBusy,
    DependencyDown,
    Internal,
}
words!(Cause {
    InvalidRequest => "invalid_request",
    UnknownParameter => "unknown_parameter",
    MalformedBody => "malformed_body",
    Unauthenticated => "unauthenticated",
    InsufficientScope => "insufficient_scope",
    NotFound => "not_found",
    MethodNotAllowed => "method_not_allowed",
    Conflict => "conflict",
    UnderWay => "under_way",
    NeedsAuthorisation => "needs_authorisation",
    TooSlow => "too_slow",
    TooLarge => "too_large",
    UnsupportedMediaType => "unsupported_media_type",
    IdempotencyMismatch => "idempotency_mismatch",
    TooManyRequests => "too_many_requests",
    TooBusy => "too_busy",
    DependencyDown => "dependency_down",
    Internal => "internal",
});

impl Cause {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::UnknownParameter | Self::MalformedBody => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::UnderWay | Self::NeedsAuthorisation => StatusCode::CONFLICT,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooBusy | Self::DependencyDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Something that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    detail: String,
    next: Option<String>,
    /// After this time the same request may succeed.
    after: Option<Duration>,
}

/// What is away for a while is asked again after this time.
const AFTER: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Told<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    cause: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

impl Refusal {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
            next: None,
            after: None,
        }
    }

    /// What was refused, in a sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same request may succeed after this time.
    pub(super) fn after(self, after: Duration) -> Self {
        Self {
            after: Some(after),
            ..self
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.cause.status();
        let told = Told {
            r#type: format!("urn:ledgerfleet:problem:{}", self.cause),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &self.detail,
            cause: self.cause,
            next: self.next.as_deref(),
        };
        let mut response = (status, Json(told)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let is_away = matches!(self.cause, Cause::TooBusy | Cause::DependencyDown);
        if let Some(after) = self.after.or(is_away.then_some(AFTER)) {
            // Whole seconds, and not less than it takes.
            headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs() + 1));
        }
        if self.cause == Cause::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Refusal {
    fn of(problem: Problem) -> Self {
        let cause = match problem.exit {
            Exit::Usage => Cause::InvalidRequest,
            Exit::NeedsAuthorisation => Cause::NeedsAuthorisation,
            Exit::DependencyDown => Cause::DependencyDown,
            Exit::AnotherRunner | Exit::BudgetExhausted => Cause::Conflict,
            _ => Cause::Internal,
        };
        let why = problem.why.map(|why| format!(": {why}")).unwrap_or_default();
        Self {
            cause,
            detail: format!("{}{why}", problem.what),
            next: Some(problem.next),
            after: None,
        }
    }
}

/// Whatever the libraries refuse is explained as on the command line.
impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let refusal = Self::of(explained(&error));
        if refusal.cause == Cause::Internal {
            tracing::error!(
                error = error.as_ref() as &dyn std::error::Error,
                "a request failed"
            );
        }
        refusal
    }
}
