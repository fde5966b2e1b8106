//! Events: a run is followed as server-sent events. Each is the run's whole state, and its id says which state it is: who
//! comes back with the last id it has seen is sent nothing twice, and misses nothing, whatever happened in between.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use ledgerfleet_ledger::{RunReport, Scope};

use super::Api;
use super::keys::Caller;
use super::problem::Refusal;
use super::route::Route;
use super::routes::Routes;
use super::runs::run_of;

/// Between two looks at the run.
const LOOK: Duration = Duration::from_secs(1);

/// A comment goes out this often, so that proxies do not take a quiet run for a dead connection.
const QUIET: Duration = Duration::from_secs(15);

/// Who follows what.
struct Following {
    api: Api,
    caller: Caller,
    id: String,
    seen: Option<String>,
    is_over: bool,
    /// The state that was read before the stream began.
    first: Option<RunReport>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/runs/{id}/events",
            Scope::Read,
            "Follows a run: server-sent events with its whole state",
        ),
        follow,
    )
}

async fn follow(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let first = run_of(&api, &caller, &id).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let following = Following {
        seen: last.map(ToOwned::to_owned),
        api,
        caller,
        id,
        is_over: false,
        first: Some(first),
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
    /// The run as it is: the first time at once, and then after a while. Nothing inside where the database is away for a
    /// moment, which ends no stream; none where the run is gone.
    async fn look(&mut self) -> Option<Option<RunReport>> {
        if let Some(first) = self.first.take() {
            return Some(Some(first));
        }
        tokio::time::sleep(LOOK).await;
        match run_of(&self.api, &self.caller, &self.id).await {
            Ok(report) => Some(Some(report)),
            Err(refusal) if refusal.is_passing() => Some(None),
            Err(_) => None,
        }
    }

    /// The next state that was not seen. None where the run can be read no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let Some(report) = self.look().await? else {
                continue;
            };
            let is_over = report.state.is_over();
            let text = serde_json::to_string(&report).ok()?;
            let id = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
            self.is_over = is_over;
            let is_new = self.seen.as_ref() != Some(&id);
            if is_new || is_over {
                let name = if is_over { "end" } else { "progress" };
                self.seen = Some(id.clone());
                return Some(Event::default().event(name).id(id).data(text));
            }
        }
    }
}
