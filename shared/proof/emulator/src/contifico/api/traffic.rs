//! Sending an answer: it is counted, logged, and ends its connection if it is never to arrive.

use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};

use super::call::Call;
use crate::server::reply::Reply;
use crate::server::traffic::{LogLine, Visit};
use crate::server::wire::Cord;
use crate::upstream::Upstream;

pub(super) fn send(
    upstream: &Upstream,
    cord: &Cord,
    reply: Reply,
    call: &Call,
    firm: Option<usize>,
    (arrived_at, visit): (DateTime<Utc>, Option<Visit>),
) -> Response {
    if let Some(visit) = &visit {
        visit.answered(reply.status.as_u16(), reply.charges());
    }
    upstream.traffic.log(LogLine {
        time: arrived_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        company: firm.map(|place| upstream.firms.all()[place].name.clone()),
        method: call.method.as_str().to_owned(),
        path: shortened(&call.path),
        query: call.query.as_deref().map(shortened),
        status: reply.status.as_u16(),
        in_flight: visit.as_ref().map_or(0, |visit| visit.in_flight),
        tid: String::new(),
    });
    if reply.is_never_delivered() {
        cord.pull();
    }
    reply.into_response(visit)
}

/// The log is bounded in lines and in the length of each.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 500;
    text.chars().take(LONGEST).collect()
}
