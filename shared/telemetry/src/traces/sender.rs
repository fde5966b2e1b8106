//! Sender: how batches of spans reach a collector over HTTP.
//!
//! The thread that makes the batches has no runtime; requests run on the process's own. A collector that fails is told of
//! once, and once more when it answers again.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// The most bytes of an answer that are read: a collector has little to say.
const ANSWER_MAX: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    fails: AtomicBool,
}

impl Sender {
    /// One that gives each request so much time.
    pub(super) fn new(patience: Duration) -> reqwest::Result<Self> {
        // Without CA certificates on the machine the client does not build, although a collector beside us speaks
        // plain HTTP: build one that trusts nobody.
        let client = builder(patience)
            .build()
            .or_else(|_| builder(patience).tls_certs_only([]).build())?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            fails: AtomicBool::new(false),
        })
    }

    fn note(&self, answered: &Result<Response<Bytes>, HttpError>) {
        let problem = match answered {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("the collector answered {}", response.status())),
            Err(error) => Some(innermost(error.as_ref())),
        };
        let failed = self.fails.swap(problem.is_some(), Ordering::Relaxed);
        match problem {
            Some(problem) if !failed => warn!(
                problem,
                "spans cannot be sent and are dropped; the work goes on, and this is not repeated"
            ),
            None if failed => info!("spans are sent again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchanging = exchange(self.client.clone(), request.try_into()?);
        let answered = match self.runtime.spawn(exchanging).await {
            Ok(answered) => answered,
            // The process ends.
            Err(error) => return Err(error.into()),
        };
        self.note(&answered);
        answered
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the limits of `connectors::http` are for upstreams; a collector has its own"
)]
fn builder(patience: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("ledgerfleet/", env!("CARGO_PKG_VERSION")))
        .timeout(patience)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Resolver))
}

/// Looks names up on threads that nobody waits for. On one of the runtime's, a name server that does not answer would
/// hold up the end of the process.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, answer) = oneshot::channel();
        // Whoever asked may have gone meanwhile.
        let looking = move || drop(found.send((name.as_str(), 0).to_socket_addrs()));
        let started = std::thread::Builder::new()
            .name("collector-name".to_owned())
            .spawn(looking);
        Box::pin(async move {
            started?;
            let addresses: Addrs = Box::new(answer.await??);
            Ok(addresses)
        })
    }
}

async fn exchange(client: reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let mut response = client.execute(request).await?;
    let mut answer = Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        *headers = std::mem::take(response.headers_mut());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body.into())?)
}

/// The last cause, which says something and repeats no address.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.last().unwrap_or(error).to_string()
}
