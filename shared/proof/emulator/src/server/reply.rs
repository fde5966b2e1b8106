//! A reply: an answer before it is packed for the wire. Faults bend it, then it is compressed and delivered.

use std::io::Write;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::{Compression, write::GzEncoder};

use super::delivery::{Script, Step};
use super::padding::{blanks, bomb};
use super::traffic::Visit;

/// An answer of the emulator.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    coding: Coding,
    delivery: Delivery,
    charges: u64,
    /// How long it is held back before its first byte.
    pub(crate) held_back: Duration,
}

/// How the body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Gzip,
    /// Said to be gzip, and not decodable to the end.
    Broken,
    /// Gzip that grows by so many mebibytes of blanks.
    Bomb {
        mebibytes: u32,
    },
}

/// How the answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Slow {
        chunk: usize,
        pause: Duration,
    },
    /// Only a part of what its length claims, then the connection ends.
    Broken {
        keep_percent: u8,
    },
    /// The body, uncompressed, and then so many mebibytes of blanks; without end if none are given.
    Padded {
        mebibytes: Option<u32>,
    },
    /// Not at all: the connection ends.
    Never,
}

/// Smaller bodies are not worth compressing.
const GZIP_FROM: usize = 1024;

impl Reply {
    fn new(status: u16, content_type: Option<&'static str>, body: Vec<u8>) -> Self {
        let kind = content_type.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: kind.into_iter().collect(),
            body,
            coding: Coding::Plain,
            delivery: Delivery::Whole,
            charges: 1,
            held_back: Duration::ZERO,
        }
    }

    /// Counts as so many calls.
    pub(crate) fn charged(self, charges: u64) -> Self {
        Self { charges, ..self }
    }

    pub(crate) fn held_back(self, held_back: Duration) -> Self {
        Self { held_back, ..self }
    }

    /// Upstream charges for every read that it answers with 2xx, whatever the answer holds.
    pub(crate) fn charges(&self) -> u64 {
        if self.status.is_success() { self.charges } else { 0 }
    }

    pub(crate) fn json(status: u16, body: String) -> Self {
        Self::new(status, Some("application/json;charset=UTF-8"), body.into_bytes())
    }

    pub(crate) fn xml(status: u16, body: String) -> Self {
        Self::new(status, Some("application/xml;charset=UTF-8"), body.into_bytes())
    }

    pub(crate) fn html(status: u16, body: &str) -> Self {
        Self::new(status, Some("text/html;charset=UTF-8"), body.as_bytes().to_vec())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, None, Vec::new())
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn uncached(self) -> Self {
        self.with(CACHE_CONTROL, "no-cache, no-store")
    }

    pub(crate) fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// Loses the end of the body before anything else is done to it.
    pub(crate) fn cut(mut self, keep_percent: u8) -> Self {
        self.body.truncate(part_of(self.body.len(), keep_percent));
        self
    }

    /// A broken coding is never mended.
    pub(crate) fn coded(self, coding: Coding) -> Self {
        let coding = if self.coding == Coding::Broken {
            Coding::Broken
        } else {
            coding
        };
        Self { coding, ..self }
    }

    /// Follows the body with blanks, which no coding hides.
    pub(crate) fn padded(self, mebibytes: Option<u32>) -> Self {
        Self {
            coding: Coding::Plain,
            delivery: Delivery::Padded { mebibytes },
            ..self
        }
    }

    /// Puts bytes before the body.
    pub(crate) fn prefixed(mut self, bytes: &[u8]) -> Self {
        self.body.splice(0..0, bytes.iter().copied());
        self
    }

    /// Puts bytes into the first text value of the body.
    pub(crate) fn injected(mut self, bytes: &[u8]) -> Self {
        let value = self.body.windows(2).position(|two| two == b":\"");
        let at = value.map_or(self.body.len(), |at| at + 2);
        self.body.splice(at..at, bytes.iter().copied());
        self
    }

    pub(crate) fn is_never_delivered(&self) -> bool {
        self.delivery == Delivery::Never
    }

    pub(crate) fn edit_body(mut self, edit: impl FnOnce(&str) -> String) -> Self {
        if let Ok(text) = std::str::from_utf8(&self.body) {
            self.body = edit(text).into_bytes();
        }
        self
    }

    pub(crate) fn is_json(&self) -> bool {
        let json = |(name, value): &(HeaderName, HeaderValue)| {
            *name == CONTENT_TYPE && value.as_bytes().starts_with(b"application/json")
        };
        self.headers.iter().any(json)
    }

    /// Compresses the body as it is coded. Apart from the rest because it is work for a thread of its own.
    pub(crate) fn pack(mut self) -> Self {
        match self.coding {
            Coding::Plain => return self,
            Coding::Gzip if self.body.len() < GZIP_FROM => return self,
            Coding::Gzip => self.body = gzip(&self.body),
            Coding::Bomb { mebibytes } => self.body = bomb(&self.body, mebibytes),
            Coding::Broken => {
                self.body = gzip(&self.body);
                let middle = self.body.len() / 2;
                self.body.truncate(middle);
                self.body.extend_from_slice(&[0xFF; 16]);
            }
        }
        self.with(CONTENT_ENCODING, "gzip").with(VARY, "Accept-Encoding")
    }

    /// The answer on the wire; the visit ends with its last byte.
    pub(crate) fn into_response(self, visit: Option<Visit>) -> Response {
        let steps = steps(Bytes::from(self.body), self.delivery);
        let mut response = Response::new(axum::body::Body::new(Script::new(steps.steps, visit)));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        if let Some(length) = steps.claimed_length {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

struct Steps {
    steps: Vec<Step>,
    claimed_length: Option<usize>,
}

fn steps(body: Bytes, delivery: Delivery) -> Steps {
    let length = body.len();
    match delivery {
        Delivery::Whole | Delivery::Never => Steps {
            steps: vec![Step::Send(body)],
            claimed_length: None,
        },
        Delivery::Slow { chunk, pause } => {
            let starts = (0..length).step_by(chunk);
            let drops = starts.map(|at| body.slice(at..(at + chunk).min(length)));
            Steps {
                steps: drops
                    .flat_map(|drop| [Step::Send(drop), Step::Wait(pause)])
                    .collect(),
                claimed_length: Some(length),
            }
        }
        Delivery::Padded { mebibytes } => Steps {
            steps: vec![Step::Send(body), Step::Repeat(blanks(), mebibytes)],
            claimed_length: None,
        },
        Delivery::Broken { keep_percent } => {
            let part = Step::Send(body.slice(..part_of(length, keep_percent)));
            Steps {
                steps: vec![part, Step::Flush, Step::Break],
                claimed_length: Some(length),
            }
        }
    }
}

/// Never the whole.
fn part_of(length: usize, percent: u8) -> usize {
    length * usize::from(percent.min(99)) / 100
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
