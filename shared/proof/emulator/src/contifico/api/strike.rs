//! A strike: what becomes of an answer that a fault hits, in this API's words.

use super::refusal::{self, GATEWAY_PAGE};
use crate::contifico::switches::ContificoSwitches;
use crate::faults::{DropMoment, FaultKind, FaultShape};
use crate::server::reply::{Delivery, Reply};

/// Whether the key dies with this request.
pub(super) fn revokes(strikes: &[FaultKind]) -> bool {
    let ends = |fault: &FaultKind| matches!(fault, FaultKind::RevokeAccess {} | FaultKind::Disconnect {});
    strikes.iter().any(ends)
}

/// The answer that comes instead of the true one.
pub(super) fn instead(fault: &FaultKind, key: &str, switches: &ContificoSwitches) -> Option<Reply> {
    let text = "Error interno del servidor";
    match fault {
        FaultKind::Throttle { retry_after, .. } => Some(refusal::throttled(switches, *retry_after)),
        FaultKind::Fault { status, code } => Some(refusal::coded(switches, *status, text, Some(*code))),
        FaultKind::ShapedFault {
            shape: FaultShape::Html,
            status,
            ..
        }
        | FaultKind::Html { status } => Some(Reply::html(*status, GATEWAY_PAGE)),
        FaultKind::ShapedFault { status, code, .. } => {
            Some(refusal::coded(switches, *status, text, Some(*code)))
        }
        FaultKind::Echo { text, status, .. } => {
            let text = text.replace("$TOKEN", key).replace("$AUTHORIZATION", key);
            Some(refusal::plain(switches, *status, &text))
        }
        FaultKind::Empty { status } => Some(Reply::empty(*status)),
        FaultKind::Expired {} => Some(refusal::unknown_key(switches)),
        FaultKind::Drop {
            moment: DropMoment::Before,
        } => Some(Reply::empty(200).delivered(Delivery::Never)),
        _ => None,
    }
}
