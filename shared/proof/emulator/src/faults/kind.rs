//! A fault's kind: what goes wrong. A further one is a variant here and its arm where faults are done.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::echo::EchoPlace;
use super::shape::FaultShape;
use crate::switches::ThrottleBody;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// A throttled answer although the rate was kept; what is not given is as the switches have it.
    Throttle {
        /// 429 or 403.
        #[serde(default)]
        status: Option<u16>,
        /// XML or JSON.
        #[serde(default)]
        body: Option<ThrottleBody>,
        /// Seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// A `Fault` body under any status, 200 included.
    Fault {
        /// The HTTP status; 500 unless given.
        #[serde(default = "server_error")]
        status: u16,
        /// The fault's code; 10000 unless given.
        #[serde(default = "severe")]
        code: u32,
    },
    /// A fault in any of the shapes in which upstream has spelt one.
    ShapedFault {
        /// Which.
        #[serde(default)]
        shape: FaultShape,
        /// The HTTP status; 403 unless given.
        #[serde(default = "forbidden")]
        status: u16,
        /// The fault's code; 3100 unless given.
        #[serde(default = "not_authorized")]
        code: u32,
        /// The code gets zeros before it until it has so many digits.
        #[serde(default)]
        digits: u8,
    },
    /// A refusal that repeats what it was sent.
    Echo {
        /// Where.
        #[serde(default)]
        place: EchoPlace,
        /// In which words: `$TOKEN` and `$AUTHORIZATION` are what was sent.
        #[serde(default = "expired_token")]
        text: String,
        /// The HTTP status; 401 unless given.
        #[serde(default = "unauthorised")]
        status: u16,
    },
    /// A gateway's HTML page; with status 200, a page where JSON should be.
    Html {
        /// The HTTP status; 502 unless given.
        #[serde(default = "bad_gateway")]
        status: u16,
    },
    /// No body at all.
    Empty {
        /// The HTTP status; 200 unless given.
        #[serde(default = "ok")]
        status: u16,
    },
    /// The true answer, cut off.
    Truncate {
        /// How much of it arrives.
        #[serde(default = "half")]
        keep_percent: u8,
        /// What `Content-Length` claims.
        #[serde(default)]
        length: CutLength,
    },
    /// The true answer, said to be gzip and spoilt.
    BadGzip {},
    /// The true answer, and so many mebibytes of blanks after it; endless unless given.
    LongBody {
        /// How many.
        #[serde(default)]
        mebibytes: Option<u32>,
    },
    /// The same blanks, compressed to a thousandth.
    GzipBomb {
        /// How many mebibytes; 1,024 unless given.
        #[serde(default = "gibibyte")]
        mebibytes: u32,
    },
    /// The true answer with bytes in it that are not UTF-8.
    InvalidUtf8 {},
    /// The true answer after a byte order mark.
    ByteOrderMark {},
    /// The true answer after a while.
    Delay {
        /// Milliseconds before the first byte.
        millis: u64,
    },
    /// The true answer, drop by drop.
    Slow {
        /// Bytes per drop.
        #[serde(default = "kilobyte")]
        chunk: usize,
        /// Milliseconds between drops.
        #[serde(default = "tenth")]
        millis: u64,
    },
    /// The connection ends without an answer.
    Drop {
        /// Before or after the request took effect.
        #[serde(default)]
        moment: DropMoment,
    },
    /// Fewer rows than asked for, although more are there.
    ShortPage {
        /// At most so many.
        #[serde(default = "seven")]
        rows: u64,
    },
    /// No rows, although some are there.
    EmptyPage {},
    /// The last rows of the page before come again: every row of the list has moved down.
    RepeatRows {
        /// So many.
        #[serde(default = "seven")]
        rows: u64,
    },
    /// A page of more rows than that is too large: a fault comes instead of it.
    LargePage {
        /// The most rows that are served.
        #[serde(default = "hundred")]
        rows: u64,
        /// The HTTP status; 504 unless given.
        #[serde(default = "gateway_timeout")]
        status: u16,
        /// The fault's code; 6002 unless given.
        #[serde(default = "too_slow")]
        code: u32,
        /// The spelling of the fault; the service's unless given.
        #[serde(default = "service")]
        shape: FaultShape,
    },
    /// Every row of a page takes a while, before the first byte comes.
    SlowRows {
        /// Milliseconds a row.
        #[serde(default = "tenth")]
        millis: u64,
    },
    /// 401 as for an expired access token, although it is good.
    Expired {},
    /// All access tokens of the company die, from this request on.
    RevokeAccess {},
    /// The owner ends the consent: all tokens of the company die, from this request on.
    Disconnect {},
    /// The token endpoint refuses the grant.
    InvalidGrant {},
    /// Mutations of the company become visible to queries only later. It strikes mutations, not requests.
    VisibilityDelay {
        /// How much later.
        seconds: u32,
    },
}

/// What the header of a cut answer claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutLength {
    /// The cut length: valid HTTP around broken JSON.
    #[default]
    Cut,
    /// The full length: the connection breaks in the middle.
    Full,
}

/// When a connection is dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropMoment {
    /// Before the request does anything.
    #[default]
    Before,
    /// After it did: a token has rotated and nobody heard.
    After,
}

fn expired_token() -> String {
    "Token expired: $TOKEN".to_owned()
}
fn unauthorised() -> u16 {
    401
}
fn server_error() -> u16 {
    500
}
fn severe() -> u32 {
    10_000
}
fn bad_gateway() -> u16 {
    502
}
fn ok() -> u16 {
    200
}
fn half() -> u8 {
    50
}
fn kilobyte() -> usize {
    1024
}
fn forbidden() -> u16 {
    403
}
fn not_authorized() -> u32 {
    3_100
}
fn gibibyte() -> u32 {
    1_024
}
fn hundred() -> u64 {
    100
}
fn gateway_timeout() -> u16 {
    504
}
fn too_slow() -> u32 {
    6_002
}
fn service() -> FaultShape {
    FaultShape::Service
}
fn seven() -> u64 {
    7
}
fn tenth() -> u64 {
    100
}

impl FaultKind {
    /// The member that a bare value means in the text form: `html=503`.
    pub(super) fn principal(kind: &str) -> Option<&'static str> {
        match kind {
            "throttle" | "fault" | "html" | "empty" => Some("status"),
            "truncate" => Some("keep_percent"),
            "delay" | "slow" | "slow_rows" => Some("millis"),
            "drop" => Some("moment"),
            "shaped_fault" => Some("shape"),
            "echo" => Some("place"),
            "long_body" | "gzip_bomb" => Some("mebibytes"),
            "short_page" | "repeat_rows" | "large_page" => Some("rows"),
            "visibility_delay" => Some("seconds"),
            _ => None,
        }
    }

    /// How long the answer is held back.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Self::Delay { millis } => Duration::from_millis(*millis),
            _ => Duration::ZERO,
        }
    }
}
