//! Sending an answer: every one carries a tid, is logged, and ends its connection if it is never to arrive.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::HeaderName;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};

use super::fault_body;
use crate::server::reply::Reply;
use crate::server::traffic::{LogLine, Visit};
use crate::server::wire::Cord;
use crate::upstream::Upstream;

/// What the log says of a request besides its status.
pub(super) struct Note<'call> {
    pub(super) method: &'call str,
    pub(super) path: &'call str,
    pub(super) query: Option<String>,
    pub(super) company: Option<usize>,
    pub(super) arrived_at: DateTime<Utc>,
    /// Ends with the last byte of the answer.
    pub(super) visit: Option<Visit>,
}

const TID: HeaderName = HeaderName::from_static("intuit_tid");

pub(super) fn send(upstream: &Upstream, cord: &Cord, reply: Reply, note: Note<'_>) -> Response {
    let tid = upstream.next_tid();
    upstream.traffic.log(LogLine {
        time: note.arrived_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        company: note.company.map(|index| upstream.companies[index].name.clone()),
        method: note.method.to_owned(),
        path: shortened(note.path.to_owned()),
        query: note.query.map(shortened),
        status: reply.status.as_u16(),
        in_flight: note.visit.as_ref().map_or(0, |visit| visit.in_flight),
        tid: tid.clone(),
    });
    if reply.is_never_delivered() {
        cord.pull();
    }
    reply.with(TID, &tid).into_response(note.visit)
}

/// The log is bounded in lines and in the length of each.
fn shortened(mut text: String) -> String {
    const LONGEST: usize = 500;
    if let Some((cut, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(cut);
    }
    text
}

/// Any other path: a 404 with a tid like every answer.
pub(super) async fn no_such_path(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request,
) -> Response {
    let arrived_at = upstream.clock.now();
    let (method, path) = (request.method().as_str(), request.uri().path());
    let note = Note {
        method,
        path,
        query: None,
        company: None,
        arrived_at,
        visit: None,
    };
    send(&upstream, &cord, fault_body::no_such_path(arrived_at), note)
}
