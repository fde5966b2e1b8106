//! Bending: what a fault makes of a true answer, whoever's API it is.

use std::time::Duration;

use super::reply::{Coding, Delivery, Reply};
use crate::faults::{CutLength, DropMoment, FaultKind};

/// What becomes of the true answer.
pub(crate) fn bend(fault: &FaultKind, reply: Reply) -> Reply {
    match fault {
        FaultKind::Truncate {
            keep_percent,
            length: CutLength::Cut,
        } => reply.cut(*keep_percent),
        FaultKind::Truncate {
            keep_percent,
            length: CutLength::Full,
        } => reply.delivered(Delivery::Broken {
            keep_percent: *keep_percent,
        }),
        FaultKind::BadGzip {} => reply.coded(Coding::Broken),
        FaultKind::LongBody { mebibytes } => reply.padded(*mebibytes),
        FaultKind::GzipBomb { mebibytes } => reply.coded(Coding::Bomb {
            mebibytes: *mebibytes,
        }),
        FaultKind::InvalidUtf8 {} => reply.injected(&[0xC3, 0x28, 0xFF]),
        FaultKind::ByteOrderMark {} => reply.prefixed("\u{feff}".as_bytes()),
        FaultKind::Slow { chunk, millis } => {
            let pause = Duration::from_millis(*millis);
            reply.delivered(Delivery::Slow {
                chunk: (*chunk).max(1),
                pause,
            })
        }
        FaultKind::Drop {
            moment: DropMoment::After,
        } => reply.delivered(Delivery::Never),
        _ => reply,
    }
}
