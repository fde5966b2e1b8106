//! Events: a run is followed as server-sent events. Each is the run's whole state, and its id says which state it is: who
//! comes back with the last id it has seen is sent nothing twice, and misses nothing, whatever happened in between.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use ledgerfleet_ledger::Scope;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};

use super::Api;
use super::followed::{Look, Shown};
use super::keys::Caller;
use super::problem::Refusal;
use super::route::Route;
use super::routes::Routes;
use super::runs::run_of;

/// A comment goes out this often, so that proxies do not take a quiet run for a dead connection.
const QUIET: Duration = Duration::from_secs(15);

/// A stream ends after this time, whatever its run does, and its client comes again with the last id it has seen: so a key
/// that was revoked follows nothing for long.
const LONGEST: Duration = Duration::from_mins(15);

/// Who follows what.
struct Following {
    looks: watch::Receiver<Look>,
    /// The state that was read before the stream began.
    first: Option<Arc<Shown>>,
    seen: Option<String>,
    is_over: bool,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/runs/{id}/events",
            Scope::Read,
            "Follows a run: server-sent events with its whole state",
        )
        .streaming(&["text/event-stream"]),
        follow,
    )
}

async fn follow(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let report = run_of(&api, &caller, &id).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let following = Following {
        _place: api.streaming()?,
        looks: api.followed.follow(&api, report.run_id),
        first: Some(Shown::of(&report)?),
        seen: last.map(ToOwned::to_owned),
        is_over: false,
        until: Instant::now() + LONGEST,
    };
    let sent = Sse::new(events(following)).keep_alive(KeepAlive::new().interval(QUIET));
    let mut response = sent.into_response();
    let headers = response.headers_mut();
    headers.insert(
        "cache-control",
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, |mut following| async move {
        if following.is_over {
            return None;
        }
        let event = following.next().await?;
        Some((Ok(event), following))
    })
}

impl Following {
    /// The run as it is: the first time at once, and then when it has changed. None where it can be read no more, or this
    /// stream has had its time.
    async fn look(&mut self) -> Option<Arc<Shown>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            timeout_at(self.until, self.looks.changed()).await.ok()?.ok()?;
            match &*self.looks.borrow_and_update() {
                Look::Run(shown) => return Some(Arc::clone(shown)),
                Look::NotYet => {}
                Look::Gone => return None,
            }
        }
    }

    /// The next state that was not seen.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let shown = self.look().await?;
            self.is_over = shown.is_over;
            let is_new = self.seen.as_ref() != Some(&shown.id);
            if is_new || shown.is_over {
                let name = if shown.is_over { "end" } else { "progress" };
                self.seen = Some(shown.id.clone());
                return Some(Event::default().event(name).id(&shown.id).data(&shown.text));
            }
        }
    }
}
