//! Line faults: what can be wrong with one direction of a line.

use std::time::Duration;

/// One direction of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What a client sends.
    ToServer,
    /// What the server answers.
    ToClient,
}

/// What is wrong with one direction. Several faults may be given at once; the default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFaults {
    /// Every piece arrives this much later.
    pub delay: Duration,
    /// And up to this much later still, differently every time.
    pub jitter: Duration,
    /// So many bytes a second get through.
    pub bytes_per_second: Option<u64>,
    /// Nothing gets through, and nobody is told.
    pub blackhole: bool,
    /// The byte of this number, counted from 0 on each connection, arrives with all its bits turned round.
    pub corrupt: Option<u64>,
    /// When and how the line ends.
    pub cut: Option<Cut>,
}

/// When and how a line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes of this direction, both directions end.
    After(u64),
    /// After so many bytes of this direction, it ends; the other one goes on.
    HalfAfter(u64),
    /// When a piece of this direction holds these bytes: it is passed on, and `grace` later both directions end. Until
    /// then nothing comes back: a request has arrived, and its answer is lost.
    Upon {
        /// What is looked for; pieces are as the sender wrote them.
        bytes: Vec<u8>,
        /// Time for the server to do what it was asked.
        grace: Duration,
    },
}

impl LineFaults {
    /// A line on which everything is late.
    pub fn late(delay: Duration, jitter: Duration) -> Self {
        Self {
            delay,
            jitter,
            ..Self::default()
        }
    }

    /// A line on which nothing arrives.
    pub fn blackhole() -> Self {
        Self {
            blackhole: true,
            ..Self::default()
        }
    }

    /// A line that ends.
    pub fn cut(cut: Cut) -> Self {
        Self {
            cut: Some(cut),
            ..Self::default()
        }
    }

    /// A narrow line.
    pub fn narrow(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: Some(bytes_per_second),
            ..Self::default()
        }
    }
}
