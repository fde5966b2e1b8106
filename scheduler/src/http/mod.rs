//! HTTP: what the command line can do, for programs, under `/api/v1`. One file for each noun; what is shown is the JSON of
//! the command line (`views`), and what is refused is a problem (`problem`).
//!
//! Every route is declared with its scope ([`route::Route`]): one without does not compile. Every request passes
//! `guard`: who asks, whether that one may, whether what was sent has bounds.

mod api_keys;
mod audit;
mod calls;
mod connect;
mod connections;
mod coverage;
mod coverage_map;
mod cursor;
mod dead_letters;
mod events;
mod followed;
pub(crate) mod guard;
pub(crate) mod keys;
mod limits;
mod live;
mod openapi;
mod page;
pub(crate) mod problem;
mod quota;
mod read;
mod record_stream;
mod records;
mod route;
mod routes;
mod runs;
pub(crate) mod sessions;
mod status;
mod sync;
mod triggers;
mod upkeep;
mod verify;
mod verifying;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use ledgerfleet_config::Settings;
use ledgerfleet_ledger::{Ledger, LedgerError};
use ledgerfleet_model::{Connection, Segmenting, SyncPace};
use ledgerfleet_process::{Readiness, open_files};
use ledgerfleet_wiring::Parts;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::consent::Consenting;
use crate::output::Talk;
use followed::Followed;
use keys::Caller;
use limits::Limits;
use problem::{Cause, Refusal};
use routes::Routes;
use sessions::Sessions;

/// The longest body of a request.
pub(crate) const LONGEST_BODY: usize = 1 << 20;

/// The most streams at once.
const MOST_STREAMS: usize = 2_000;

/// The most answers at once that read much: whatever else is asked finds a connection to the ledger beside them.
const MOST_HEAVY: usize = 2;

/// The most verifications at once.
const MOST_VERIFYING: usize = 8;

/// What was begun has so long to end when the process is to stop.
const LAST: Duration = Duration::from_secs(30);

/// What the routes need. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) consenting: Consenting,
    pub(crate) redirect_url: Option<String>,
    pub(crate) page_size: u32,
    /// How backfills are cut where nothing is said.
    pub(crate) segment: Segmenting,
    /// The key that the configuration gives, beside those of the ledger.
    pub(crate) key: Option<SecretString>,
    /// Whether only this machine is meant to reach it: then it answers without a key, as long as there was none.
    pub(crate) is_local: bool,
    /// How often companies are kept in sync.
    pub(crate) sync: SyncPace,
    pub(crate) talk: Talk,
    pub(crate) readiness: Readiness,
    /// Once there was a key there always is one: a revoked one counts.
    has_keys: AtomicBool,
    limits: Limits,
    /// Who has signed in to the panel.
    pub(crate) sessions: Sessions,
    /// The runs that are followed.
    pub(crate) followed: Followed,
    /// Places of answers that stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Places of answers that read much.
    heavy: Arc<Semaphore>,
    /// Places of companies that are verified.
    verifying: Arc<Semaphore>,
    /// What is done to its end, whoever waits for it.
    under_way: TaskTracker,
    /// What would take long is broken off.
    stopping: CancellationToken,
}

impl std::ops::Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(parts: &Parts, settings: &Settings, talk: &Talk) -> Self {
        Self(Arc::new(Inner {
            parts: parts.clone(),
            consenting: Consenting::new(parts, talk),
            redirect_url: settings.quickbooks.redirect_url.clone(),
            page_size: settings.page_size,
            segment: settings.segment,
            key: settings.api_key.clone(),
            is_local: settings.listen.ip().is_loopback() && is_met_here(settings),
            sync: settings.sync,
            talk: talk.clone(),
            readiness: Readiness::of(parts),
            has_keys: AtomicBool::new(false),
            limits: Limits::default(),
            sessions: Sessions::default(),
            followed: Followed::default(),
            streams: Arc::new(Semaphore::new(most_streams())),
            heavy: Arc::new(Semaphore::new(MOST_HEAVY)),
            verifying: Arc::new(Semaphore::new(MOST_VERIFYING)),
            under_way: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// The place of an answer that streams, which is kept until it ends.
    fn streaming(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| Refusal::new(Cause::TooBusy, "too many streams are under way: come again later"))
    }

    /// The place of an answer that reads much.
    fn heavy(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.heavy).try_acquire_owned();
        let detail = "two answers that read much are being put together: come again later";
        place.map_err(|_| Refusal::new(Cause::TooBusy, detail))
    }

    /// Waits until what was begun is done, for a while.
    pub(crate) async fn end(&self) {
        self.stopping.cancel();
        self.under_way.close();
        if tokio::time::timeout(LAST, self.under_way.wait()).await.is_err() {
            tracing::warn!("what was asked over HTTP is not done, and is broken off");
        }
    }

    fn ledger(&self) -> &dyn Ledger {
        &*self.parts.ledger
    }

    /// Whether any key was ever made. A revoked one counts: revoking the last one opens nothing.
    async fn has_keys(&self) -> Result<bool, LedgerError> {
        let is_known = self.has_keys.load(Ordering::Acquire);
        if !is_known && !self.ledger().api_keys().await?.is_empty() {
            self.keys_exist();
        }
        Ok(self.has_keys.load(Ordering::Acquire))
    }

    fn keys_exist(&self) {
        self.has_keys.store(true, Ordering::Release);
    }

    /// The companies that a caller sees.
    async fn seen(&self, caller: &Caller) -> Result<Vec<Connection>, LedgerError> {
        let mut all = self.ledger().connections().await?;
        all.retain(|connection| caller.sees(connection.id));
        Ok(all)
    }

    /// The company of that name, if the caller sees it. Another's is not there for this caller.
    async fn company(&self, caller: &Caller, name: &str) -> Result<Connection, Refusal> {
        let seen = self.seen(caller).await?;
        let names: Vec<String> = seen.iter().map(|connection| connection.name.clone()).collect();
        let found = seen.into_iter().find(|connection| connection.name == name);
        found.ok_or_else(|| {
            let like = names
                .iter()
                .map(|known| (strsim::jaro_winkler(known, name), known))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let detail = like.map_or_else(
                || format!("there is no connection `{}`", name.escape_debug()),
                |(_, known)| {
                    format!(
                        "there is no connection `{}`; did you mean `{known}`?",
                        name.escape_debug()
                    )
                },
            );
            Refusal::new(Cause::NotFound, detail)
        })
    }

    /// The companies of these names, or all that the caller sees where none is named or `all` is.
    async fn companies(&self, caller: &Caller, names: &[String]) -> Result<Vec<Connection>, Refusal> {
        if names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
            return Ok(self.seen(caller).await?);
        }
        let mut companies = Vec::with_capacity(names.len());
        for name in names {
            companies.push(self.company(caller, name).await?);
        }
        companies.sort_by(|a, b| a.name.cmp(&b.name));
        companies.dedup_by_key(|company| company.id);
        Ok(companies)
    }
}

/// Streams at once: each has a connection open, and others need files, too.
fn most_streams() -> usize {
    let files = open_files().and_then(|files| usize::try_from(files).ok());
    files.map_or(MOST_STREAMS, |files| (files / 2).clamp(1, MOST_STREAMS))
}

/// Whether browsers come back to this machine: an address elsewhere means that a proxy stands before it.
fn is_met_here(settings: &Settings) -> bool {
    let back = settings.quickbooks.redirect_url.as_deref();
    back.is_none_or(keys::is_here)
}

/// All routes of the API, and the way of a consent.
pub(crate) fn router(api: &Api) -> Router {
    all(api)
        .finish::<Consenting>()
        .route(
            "/connect/quickbooks/callback",
            axum::routing::get(crate::consent::listener::answer),
        )
        .with_state(api.consenting.clone())
        .fallback(async || Refusal::new(Cause::NotFound, "nothing is at this address"))
        .method_not_allowed_fallback(async || {
            Refusal::new(Cause::MethodNotAllowed, "this address does not take this method")
        })
}

/// The routes of the API alone, for who asks inside the process.
pub(crate) fn inside(api: &Api) -> Router {
    all(api).finish()
}

fn all(api: &Api) -> Routes {
    let routes = Routes::new(api.clone());
    let routes = status::routes(routes);
    let routes = connections::routes(routes);
    let routes = upkeep::routes(routes);
    let routes = runs::routes(routes);
    let routes = events::routes(routes);
    let routes = coverage::routes(routes);
    let routes = coverage_map::routes(routes);
    let routes = dead_letters::routes(routes);
    let routes = records::routes(routes);
    let routes = live::routes(routes);
    let routes = sync::routes(routes);
    let routes = triggers::routes(routes);
    let routes = verify::routes(routes);
    let routes = calls::routes(routes);
    let routes = quota::routes(routes);
    let routes = audit::routes(routes);
    let routes = api_keys::routes(routes);
    let routes = connect::routes(routes);
    openapi::routes(routes)
}
