//! A strike: what a fault makes of an answer. A fault of a new kind is done in one of these.

use chrono::{DateTime, Utc};

use super::echo::{self, Sent};
use super::fault_body::{self, GATEWAY_PAGE, ServiceFault};
use super::query::{Distortion, Unservable};
use crate::faults::{DropMoment, FaultKind};
use crate::server::reply::{Delivery, Reply};
use crate::switches::Switches;

/// The answer that comes instead of the true one, which then is never worked out.
pub(super) fn instead(
    fault: &FaultKind,
    switches: &Switches,
    sent: &Sent<'_>,
    now: DateTime<Utc>,
) -> Option<Reply> {
    match fault {
        FaultKind::Echo { place, text, status } => Some(echo::reply(*place, *status, text, sent, now)),
        FaultKind::Throttle {
            status,
            body,
            retry_after,
        } => Some(fault_body::throttled(
            &Switches {
                throttle_status: status.unwrap_or(switches.throttle_status),
                throttle_body: body.unwrap_or(switches.throttle_body),
                throttle_retry_after: retry_after.or(switches.throttle_retry_after),
                ..*switches
            },
            now,
        )),
        FaultKind::Fault { status, code } => Some(fault_body::injected(*status, *code).reply(now)),
        FaultKind::ShapedFault {
            shape,
            status,
            code,
            digits,
        } => Some(fault_body::shaped(
            *shape,
            *status,
            *code,
            usize::from(*digits),
            now,
        )),
        FaultKind::Html { status } => Some(Reply::html(*status, GATEWAY_PAGE)),
        FaultKind::Empty { status } => Some(Reply::empty(*status)),
        FaultKind::Drop {
            moment: DropMoment::Before,
        } => Some(Reply::empty(200).delivered(Delivery::Never)),
        FaultKind::Expired {} => Some(fault_body::expired(now)),
        FaultKind::InvalidGrant {} => Some(Reply::json(400, r#"{"error":"invalid_grant"}"#.to_owned())),
        _ => None,
    }
}

/// What becomes of one item of a batch.
pub(super) fn as_service_fault(fault: &FaultKind) -> Option<ServiceFault> {
    match fault {
        FaultKind::Fault { status, code } => Some(fault_body::injected(*status, *code)),
        _ => None,
    }
}

/// What becomes of a page of rows.
pub(super) fn distort(fault: &FaultKind, distortion: Distortion) -> Distortion {
    match fault {
        FaultKind::ShortPage { rows } => Distortion {
            short: Some(*rows),
            ..distortion
        },
        FaultKind::EmptyPage {} => Distortion {
            empty: true,
            ..distortion
        },
        FaultKind::RepeatRows { rows } => Distortion {
            repeat: *rows,
            ..distortion
        },
        FaultKind::LargePage {
            rows,
            status,
            code,
            shape,
        } => {
            let instead = Unservable {
                shape: *shape,
                status: *status,
                code: *code,
            };
            Distortion {
                too_large: Some((*rows, instead)),
                ..distortion
            }
        }
        FaultKind::SlowRows { millis } => Distortion {
            millis_per_row: *millis,
            ..distortion
        },
        _ => distortion,
    }
}
