//! The only HTTP client of the program, with its limits: time, size, and memory held by answers.
//!
//! - Times are those of `Timings`: 5 s to connect, 120 s to the first byte, 20 s without another (after decompression), 150 s
//!   in all; where access is granted, 20 s to any byte and 40 s in all.
//! - No redirect is followed: an access token goes where it was meant to go.
//! - Nothing is sent twice: the caller passed the gate once.
//! - HTTP/1.1, one connection a request: with HTTP/2, answers that wait for memory would use up the flow control
//!   window of the connection they share and hold up the one answer that may go on.
//! - An answer has at most 64 MiB after decompression, and all answers together hold 8 MiB and one answer
//!   ([`BodyBudget`]). A page costs four times its bytes until it is stored.

use std::error::Error as _;
use std::time::Duration;

use ledgerfleet_model::{Failure, FailureKind, Timings};
use ledgerfleet_telemetry::traces;
use reqwest::header::HeaderMap;
use reqwest::{Request, RequestBuilder, Response, Url};
use secrecy::SecretString;
use tokio::time::{Instant, timeout};

use crate::scrub::Scrubber;
use spoken::Spoken;

mod budget;
mod spoken;

pub use budget::{BodyBudget, HeldBytes};

/// Characters of the text of an error.
const LONGEST_MESSAGE: usize = 300;

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Patience {
    first_byte: Duration,
    idle: Duration,
    in_all: Duration,
    /// What the exchange of a credential has, to its first byte and in all.
    exchange: Duration,
}

impl Patience {
    fn of(timings: &Timings) -> Self {
        Self {
            first_byte: timings.first_byte,
            idle: timings.idle,
            in_all: timings.request,
            exchange: timings.exchange(),
        }
    }

    /// For what is answered at once or not at all.
    fn of_exchange(self) -> Self {
        Self {
            first_byte: self.idle,
            in_all: self.exchange,
            ..self
        }
    }
}

/// How much of answers is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The most bytes one answer may have after decompression.
    pub body: usize,
    /// The most bytes that all answers together may hold, and one answer beyond it.
    pub in_flight: usize,
}

impl HttpLimits {
    /// An answer of at most so many bytes is not counted: what grants access, counts or refuses never waits for pages that
    /// are stored.
    fn small(self) -> usize {
        self.in_flight / 512
    }

    /// What every other answer takes at once, and gives back at its end as far as it was not used. So only a few are read
    /// at the same time: each that is being read has buffers of its own, beside its body.
    fn first(self) -> usize {
        self.in_flight / 8
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            in_flight: 8 << 20,
        }
    }
}

/// The HTTP client. Cloning shares its connections and its budget.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    limits: HttpLimits,
    patience: Patience,
    budget: BodyBudget,
    /// Knows the app's own keys.
    scrubber: Scrubber,
    /// Why certificates cannot be checked here, if they cannot.
    no_authorities: Option<String>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// The part of the budget that the body uses; keep it as long as what was made of the body.
    pub held: HeldBytes,
    /// Knows what was sent: whatever is told of this answer goes through it.
    pub scrubber: Scrubber,
}

/// Whether a request that failed may have reached the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It did not leave this machine.
    No,
    /// It may have been acted upon.
    Perhaps,
}

/// Why there is no answer. The text holds no address beyond the host, no token and no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// What it was: network, timeout, truncated or too large.
    pub kind: FailureKind,
    /// What happened, for people.
    pub message: String,
    /// Whether the request may have been acted upon.
    pub sent: Sent,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::new(error.kind, error.message)
    }
}

impl HttpClient {
    /// A client with these times and the default limits.
    pub fn new(timings: &Timings) -> Result<Self, HttpError> {
        Self::with_limits(timings, HttpLimits::default())
    }

    /// A client with these times and limits.
    pub fn with_limits(timings: &Timings, limits: HttpLimits) -> Result<Self, HttpError> {
        let (client, no_authorities) = match builder(timings).build() {
            Ok(client) => (client, None),
            // Without CA certificates on the machine the client does not build, although plain HTTP to an
            // emulator needs none: build one that trusts nobody, and say why when HTTPS is asked for.
            Err(error) => {
                let trusting_nobody = builder(timings).tls_certs_only([]).build();
                (
                    trusting_nobody.map_err(|error| not_sent(&error, "the HTTP client"))?,
                    Some(innermost(&error)),
                )
            }
        };
        Ok(Self {
            client,
            limits,
            patience: Patience::of(timings),
            budget: BodyBudget::new(limits.in_flight),
            scrubber: Scrubber::default(),
            no_authorities,
        })
    }

    /// One for exchanges of credentials: they are answered soon or not at all, and others wait for what they bring.
    #[must_use]
    pub fn for_exchanges(&self) -> Self {
        Self {
            patience: self.patience.of_exchange(),
            ..self.clone()
        }
    }

    /// One that keeps these secrets out of what is told of its answers.
    #[must_use]
    pub fn keeping<'a>(self, secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let scrubber = self.scrubber.knowing(secrets);
        Self { scrubber, ..self }
    }

    /// Begins a GET request.
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Begins a POST request.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a request once and reads the answer to its end, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        self.send_for_at_most(request, self.limits.body).await
    }

    /// The same, for an answer that has at most so many bytes where there is nothing wrong with it.
    pub async fn send_for_at_most(&self, request: RequestBuilder, most: usize) -> Result<Answer, HttpError> {
        let request = request.build().map_err(|error| not_sent(&error, "the request"))?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        self.check_authorities(request.url(), &host)?;
        traces::asks(request.method().as_str(), &template_of(request.url()));
        let scrubber = self.scrubber.of_request(&request);
        let (method, url) = (request.method().clone(), request.url().clone());
        let began = Instant::now();
        let answer = self.exchange(request, &host, most.min(self.limits.body)).await;
        Spoken {
            method: &method,
            url: &url,
            took: began.elapsed(),
            scrubber: &scrubber,
        }
        .log(&answer);
        match answer {
            Ok(answer) => Ok(Answer { scrubber, ..answer }),
            Err(error) => Err(HttpError {
                message: scrubber.clean(&error.message, LONGEST_MESSAGE),
                ..error
            }),
        }
    }

    async fn exchange(&self, request: Request, host: &str, most: usize) -> Result<Answer, HttpError> {
        let Patience {
            first_byte, in_all, ..
        } = self.patience;
        let whole = async {
            let response = timeout(first_byte, self.client.execute(request)).await;
            let response = response.map_err(|_| too_late(&format!("no answer from {host}"), first_byte))?;
            let response = response.map_err(|error| no_answer(&error, host))?;
            self.read(response, host, most).await
        };
        let answer = timeout(in_all, whole).await;
        answer.unwrap_or_else(|_| Err(too_late(&format!("no whole answer from {host}"), in_all)))
    }

    fn check_authorities(&self, url: &Url, host: &str) -> Result<(), HttpError> {
        let Some(reason) = self.no_authorities.as_ref().filter(|_| url.scheme() == "https") else {
            return Ok(());
        };
        Err(HttpError {
            kind: FailureKind::Network,
            message: format!(
                "the certificate of {host} cannot be checked, because this machine has no CA certificates \
                 ({reason}); install the package ca-certificates or set SSL_CERT_FILE"
            ),
            sent: Sent::No,
        })
    }

    async fn read(&self, mut response: Response, host: &str, most: usize) -> Result<Answer, HttpError> {
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let announced = response.content_length().unwrap_or(0);
        if announced > most as u64 {
            return Err(too_large(host, most));
        }
        let (mut body, mut held) = (Vec::new(), HeldBytes::default());
        let idle = self.patience.idle;
        // Time spent waiting for memory does not count as the upstream's.
        while let Some(chunk) = timeout(idle, response.chunk())
            .await
            .map_err(|_| {
                too_late(
                    &format!("the answer of {host} broke off: nothing more came"),
                    idle,
                )
            })?
            .map_err(|error| broken_off(&error, host))?
        {
            let length = body.len() + chunk.len();
            if length > most {
                return Err(too_large(host, most));
            }
            if length > self.limits.small() {
                let more = length.max(self.limits.first()).saturating_sub(held.bytes());
                self.budget.take(&mut held, more).await;
            }
            body.extend_from_slice(&chunk);
        }
        held.shrink_to(body.len());
        Ok(Answer {
            status,
            headers,
            body,
            held,
            scrubber: Scrubber::default(),
        })
    }
}

fn too_late(what: &str, time: Duration) -> HttpError {
    HttpError {
        kind: FailureKind::Timeout,
        message: format!("{what} within {} s", time.as_secs_f64()),
        sent: Sent::Perhaps,
    }
}

fn too_large(host: &str, most: usize) -> HttpError {
    HttpError {
        kind: FailureKind::TooLarge,
        message: format!("the answer of {host} is longer than {most} bytes"),
        sent: Sent::Perhaps,
    }
}

/// The path of an address without the ids in it: `/v3/company/{id}/invoice/{id}`. Whatever is no plain word is taken for an
/// id, because ids name companies and people.
fn template_of(url: &Url) -> String {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase()) || part == "oauth2";
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let parts = url.path_segments().into_iter().flatten();
    let shown = parts.map(|part| {
        if is_word(part) || is_version(part) {
            part
        } else {
            "{id}"
        }
    });
    shown.fold(String::new(), |path, part| path + "/" + part)
}

#[expect(clippy::disallowed_methods, reason = "this is the one HTTP client")]
fn builder(timings: &Timings) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("ledgerfleet/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timings.connect)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .http1_only()
}

fn not_sent(error: &reqwest::Error, what: &str) -> HttpError {
    HttpError {
        kind: FailureKind::Network,
        message: format!("{what} could not be made: {}", innermost(error)),
        sent: Sent::No,
    }
}

/// No headers came back.
fn no_answer(error: &reqwest::Error, host: &str) -> HttpError {
    let kind = if error.is_timeout() {
        FailureKind::Timeout
    } else {
        FailureKind::Network
    };
    let (message, sent) = if error.is_connect() {
        (
            format!("could not connect to {host}: {}", innermost(error)),
            Sent::No,
        )
    } else {
        (
            format!("no answer from {host}: {}", innermost(error)),
            Sent::Perhaps,
        )
    };
    HttpError { kind, message, sent }
}

/// Headers came back, but not the whole body.
fn broken_off(error: &reqwest::Error, host: &str) -> HttpError {
    let kind = if error.is_timeout() {
        FailureKind::Timeout
    } else if was_reset(error) {
        FailureKind::Network
    } else {
        FailureKind::Truncated
    };
    let message = format!("the answer of {host} broke off: {}", innermost(error));
    HttpError {
        kind,
        message,
        sent: Sent::Perhaps,
    }
}

fn was_reset(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| matches!(cause.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// The text of the last cause in the chain: the one that says something, and none that repeats the address.
fn innermost(error: &reqwest::Error) -> String {
    match causes(error).last() {
        Some(cause) => cause.to_string(),
        None if error.is_timeout() => "it took too long".to_owned(),
        None => "the request is not valid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_ids_and_without_what_is_asked() {
        for (address, shown) in [
            (
                "https://host.example/v3/company/9130347/query?query=SELECT%20Name",
                "/v3/company/{id}/query",
            ),
            (
                "https://u:p@host.example/v3/company/a-b/invoice/USD",
                "/v3/company/{id}/invoice/{id}",
            ),
            (
                "https://host.example/oauth2/v1/tokens/bearer",
                "/oauth2/v1/tokens/bearer",
            ),
            ("https://host.example", "/"),
        ] {
            assert_eq!(template_of(&Url::parse(address).unwrap()), shown);
        }
    }
}
