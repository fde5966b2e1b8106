//! Spans: every span there is, each made and ended by a function of its own.
//!
//! Attributes have OpenTelemetry's names where it has one. Ids, words and numbers only: no address, no company's name,
//! no text of an upstream.

use std::time::Duration;

use ledgerfleet_model::{ConnectionId, Failure, FailureKind, RunId, SegmentId};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use super::TARGET;
use crate::metrics::{AttemptOutcome, RowCounts};

/// What is known of an attempt when it begins.
#[derive(Debug, Clone, Copy)]
pub struct AttemptLabels<'a> {
    /// Its run.
    pub run: RunId,
    /// Its segment.
    pub segment: SegmentId,
    /// The company, by id.
    pub connection: ConnectionId,
    /// The entity.
    pub entity: &'a str,
    /// The lane.
    pub lane: &'static str,
    /// The number of this attempt, from 1.
    pub number: u32,
    /// The fence.
    pub epoch: i64,
    /// How long the ledger took to claim it, with others.
    pub claimed_in: Duration,
    /// How many were claimed together.
    pub claimed_with: usize,
}

/// A request is stored as a run.
pub fn submit() -> Span {
    info_span!(
        target: TARGET, parent: None, "submit",
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "ledgerfleet",
        messaging.operation.r#type = "send",
        messaging.batch.message_count = Empty,
        ledgerfleet.run.id = Empty,
        ledgerfleet.run.attached = Empty,
    )
}

/// What became of the request.
pub fn submitted(span: &Span, run: RunId, segments: u64, attached: bool) {
    span.record("ledgerfleet.run.id", tracing::field::display(run));
    span.record("messaging.batch.message_count", segments);
    span.record("ledgerfleet.run.attached", attached);
}

/// A claim is carried to its outcome.
pub fn attempt(labels: &AttemptLabels<'_>) -> Span {
    info_span!(
        target: TARGET, parent: None, "attempt",
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.r#type = Empty,
        messaging.system = "ledgerfleet",
        messaging.operation.r#type = "process",
        messaging.message.id = %labels.segment,
        messaging.batch.message_count = labels.claimed_with,
        ledgerfleet.claim.duration = labels.claimed_in.as_secs_f64(),
        ledgerfleet.run.id = %labels.run,
        ledgerfleet.segment.id = %labels.segment,
        ledgerfleet.segment.epoch = labels.epoch,
        ledgerfleet.connection.id = %labels.connection,
        ledgerfleet.entity = labels.entity,
        ledgerfleet.lane = labels.lane,
        ledgerfleet.attempt = labels.number,
        ledgerfleet.connector = Empty,
        ledgerfleet.outcome = Empty,
    )
}

/// How it ended, and of what. Waiting is no error.
pub fn attempt_ended(span: &Span, connector: &str, outcome: AttemptOutcome, reason: Option<FailureKind>) {
    span.record("ledgerfleet.connector", connector);
    span.record("ledgerfleet.outcome", outcome.as_str());
    if let Some(reason) = reason {
        span.record("error.type", reason.as_str());
    }
    if matches!(outcome, AttemptOutcome::Retry | AttemptOutcome::Dead) {
        span.record("otel.status_code", "ERROR");
    }
}

/// The lock of a window is taken.
pub fn lock() -> Span {
    info_span!(target: TARGET, "lock", error.r#type = Empty)
}

/// The gate is waited for.
pub fn gate() -> Span {
    info_span!(target: TARGET, "gate", error.r#type = Empty)
}

/// A request to an upstream: for a page, or, without a number, for a count.
pub fn request(connector: &'static str, page: Option<u32>) -> Span {
    let operation = if page.is_some() { "page" } else { "count" };
    info_span!(
        target: TARGET, "request",
        otel.kind = "client",
        otel.status_code = Empty,
        error.r#type = Empty,
        http.request.method = Empty,
        http.response.status_code = Empty,
        url.template = Empty,
        ledgerfleet.connector = connector,
        ledgerfleet.request.operation = operation,
        ledgerfleet.page = page,
        ledgerfleet.upstream.transaction_id = Empty,
    )
}

/// What the request of this task's span asks: its method, and its path with placeholders instead of ids. A span that has
/// no place for that is left as it is.
pub fn asks(method: &str, template: &str) {
    let span = Span::current();
    span.record("http.request.method", method);
    span.record("url.template", template);
}

/// An upstream has answered the request of this task's span, and calls the exchange so.
pub fn answered(status: u16, transaction_id: Option<&str>) {
    let span = Span::current();
    span.record("http.response.status_code", status);
    span.record("ledgerfleet.upstream.transaction_id", transaction_id);
}

/// A page is stored.
pub fn commit(pass: u32, page: u32) -> Span {
    info_span!(
        target: TARGET, "commit",
        otel.status_code = Empty,
        error.r#type = Empty,
        ledgerfleet.pass = pass,
        ledgerfleet.page = page,
        ledgerfleet.rows.new = Empty,
        ledgerfleet.rows.changed = Empty,
        ledgerfleet.rows.same = Empty,
        ledgerfleet.rows.deleted = Empty,
        ledgerfleet.rows.quarantined = Empty,
    )
}

/// What its rows did to the records.
pub fn committed(span: &Span, rows: RowCounts) {
    span.record("ledgerfleet.rows.new", rows.new);
    span.record("ledgerfleet.rows.changed", rows.changed);
    span.record("ledgerfleet.rows.same", rows.same);
    span.record("ledgerfleet.rows.deleted", rows.deleted);
    span.record("ledgerfleet.rows.quarantined", rows.quarantined);
}

/// An outcome that is not done is written.
pub fn settle() -> Span {
    info_span!(target: TARGET, "settle")
}

/// Does `work` inside a span, and notes there how it ended. What a span has no place for is passed over: theirs have no
/// status, so that waiting for a lock or a gate is never an error.
pub async fn within<T>(span: Span, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let result = work.instrument(span.clone()).await;
    ended(&span, &result);
    result
}

/// Notes in a span how its work ended.
pub fn ended<T>(span: &Span, result: &Result<T, Failure>) {
    let status = result
        .as_ref()
        .map_or_else(|failure| failure.status, |_| Some(200));
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if let Err(failure) = result {
        span.record("error.type", failure.kind.as_str());
        span.record("otel.status_code", "ERROR");
        span.record(
            "ledgerfleet.upstream.transaction_id",
            failure.transaction_id.as_deref(),
        );
    }
}
