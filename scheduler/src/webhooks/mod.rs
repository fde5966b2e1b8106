//! Webhooks: what Intuit sends to `POST /webhooks/quickbooks` when something has changed.
//!
//! ```text
//! head      a signature, and no more bytes than are taken                401, 413
//! body      read to its end within its time                              408, 413
//! signature by either token, over the bytes as they came                 401: nothing is stored, nothing was parsed
//! events    read one by one; nonsense is an event, too
//! intake    stored, together with what came at the same time             503 where the ledger does not take it
//! answer    200, once it is durable
//! ```
//!
//! It needs no key of the API: the signature says who asks. What follows from an event is the leader's to do
//! (`read_hints` of the duties).

mod body;
mod intake;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ledgerfleet_config::Settings;
use ledgerfleet_connectors::quickbooks;
use ledgerfleet_connectors::quickbooks::webhook::{Hint, SIGNATURE_HEADER, WebhookEvent, events, is_signed};
use ledgerfleet_ledger::NewHint;
use ledgerfleet_telemetry::metrics::{self, WebhookResult};
use ledgerfleet_wiring::Parts;
use secrecy::SecretString;
use tokio::time::timeout;
use tracing::warn;

use body::{Bodies, Unread};
use intake::Intake;

/// Intuit waits 3 s for an answer ("Webhooks", delivery); what cannot be stored by then is sent again.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Intuit's first repetition comes after ten seconds.
const AGAIN_SECONDS: &str = "10";

/// What the route needs.
#[derive(Debug)]
struct Receiver {
    tokens: Tokens,
    bodies: Bodies,
    intake: Intake,
}

/// The tokens that signatures are checked with.
#[derive(Debug)]
struct Tokens {
    current: Option<SecretString>,
    former: Option<SecretString>,
}

/// The routes of webhooks, and what stores them for as long as they are served.
pub(crate) fn router(parts: &Parts, settings: &Settings) -> Router {
    let tokens = Tokens::of(settings);
    metrics::webhook_tokens(tokens.count());
    let receiver = Receiver {
        tokens,
        bodies: Bodies::default(),
        intake: Intake::begin(Arc::clone(&parts.ledger)),
    };
    // A redirect would turn a POST into a GET without a body, so each way to write the address is answered.
    Router::new()
        .route("/webhooks/quickbooks", post(receive))
        .route("/webhooks/quickbooks/", post(receive))
        .route("//webhooks/quickbooks", post(receive))
        .with_state(Arc::new(receiver))
}

impl Tokens {
    fn of(settings: &Settings) -> Self {
        Self {
            current: settings.quickbooks.webhook_verifier_token.clone(),
            former: settings.quickbooks.webhook_former_verifier_token.clone(),
        }
    }

    fn count(&self) -> u8 {
        u8::from(self.current.is_some()) + u8::from(self.former.is_some())
    }

    /// Whether a signature is by the former token; none if it is by neither.
    fn former_signed(&self, signature: &str, body: &[u8]) -> Option<bool> {
        let by = |token: &Option<SecretString>| {
            token
                .as_ref()
                .is_some_and(|token| is_signed(signature, body, token))
        };
        if by(&self.current) {
            return Some(false);
        }
        by(&self.former).then_some(true)
    }
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Body) -> Response {
    match take(&receiver, &headers, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => refused.answer(),
    }
}

/// Takes one delivery. Durable when it answers.
async fn take(receiver: &Receiver, headers: &HeaderMap, body: Body) -> Result<(), Refused> {
    if receiver.tokens.count() == 0 {
        return Err(Refused::NoToken);
    }
    let signature = signature(headers).ok_or(Refused::Unsigned)?;
    let body = receiver.bodies.read(headers, body).await?;
    let former = receiver
        .tokens
        .former_signed(signature, &body)
        .ok_or(Refused::WronglySigned)?;
    let hints: Vec<NewHint> = events(&body)
        .into_iter()
        .map(|event| hint(event, former))
        .collect();
    drop(body);
    if hints.is_empty() {
        return Ok(());
    }
    let stored = timeout(PATIENCE, receiver.intake.store(hints)).await;
    stored
        .unwrap_or(Err(intake::NotStored))
        .map_err(|_| Refused::NotStored)
}

/// The one signature of a request. Of two, nobody knows which was meant.
fn signature(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(SIGNATURE_HEADER).iter();
    let (first, second) = (all.next()?, all.next());
    second.is_none().then(|| first.to_str().ok()).flatten()
}

fn hint(event: WebhookEvent, former_token: bool) -> NewHint {
    let (mut entity, mut record, mut is_gone, mut sample) = (None, None, false, None);
    match event.hint {
        Hint::Record { entity: of, id, gone } => {
            (entity, record, is_gone) = (Some(of.name), Some(id), gone);
        }
        Hint::UnknownKind => {}
        Hint::Unreadable(text) => sample = Some(text),
    }
    NewHint {
        key: event.key,
        connector: quickbooks::ENTRY.name,
        account: event.account,
        entity,
        record,
        gone: is_gone,
        kind: event.kind,
        happened_at: event.happened_at,
        sample,
        former_token,
    }
}

/// Why a delivery is not taken.
#[derive(Debug, Clone, Copy)]
enum Refused {
    NoToken,
    Unsigned,
    WronglySigned,
    Unread(Unread),
    NotStored,
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl Refused {
    /// What the sender is told: no more than it needs, for anyone can ask.
    fn answer(self) -> Response {
        self.note();
        let status = match self {
            Self::Unsigned | Self::WronglySigned => StatusCode::UNAUTHORIZED,
            Self::Unread(Unread::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread(Unread::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::NoToken | Self::Unread(Unread::NoRoom) | Self::NotStored => {
                return (
                    StatusCode::SERVICE_UNAVAILABLE,
                    [(header::RETRY_AFTER, AGAIN_SECONDS)],
                )
                    .into_response();
            }
        };
        status.into_response()
    }

    fn note(self) {
        match self {
            Self::NoToken => {
                metrics::webhook_events(WebhookResult::Refused, 1);
                warn!(
                    "a webhook came and cannot be checked: set LEDGERFLEET_QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN, or end the \
                     app's webhooks"
                );
            }
            Self::Unsigned | Self::WronglySigned => {
                metrics::webhook_events(WebhookResult::Refused, 1);
                warn!("a webhook was refused: it is signed with no token that is configured here");
            }
            Self::Unread(unread) => {
                metrics::webhook_events(WebhookResult::Refused, 1);
                warn!(why = ?unread, "a webhook was refused: its body was not read to the end");
            }
            // What the ledger said is told by the intake.
            Self::NotStored => metrics::webhook_events(WebhookResult::NotStored, 1),
        }
    }
}
