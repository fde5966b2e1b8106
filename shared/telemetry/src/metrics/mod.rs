//! Metrics: one function for each thing that happens.

pub mod names;
mod recorder;

use std::time::Duration;

use ledgerfleet_model::{ConnectionState, FailureKind, Lane, SegmentState};
use metrics::{counter, gauge, histogram};

pub use recorder::{ConnectorLabels, InstallError, Recorder, install};

/// How an attempt ended, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// With the last page.
    Done,
    /// It waits through no fault of its own.
    Later,
    /// It failed and is tried again.
    Retry,
    /// It ended with a reason.
    Dead,
    /// Given back untouched.
    HandedBack,
    /// Someone else holds the segment now.
    Fenced,
}
ledgerfleet_model::words!(AttemptOutcome {
    Done => "done",
    Later => "later",
    Retry => "retry",
    Dead => "dead",
    HandedBack => "handed_back",
    Fenced => "fenced",
});

/// How a refresh of access ended, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshResult {
    /// Access was granted.
    Granted,
    /// The credential or the app's keys are refused for good.
    Refused,
    /// It was sent, and no answer came back.
    Lost,
    /// It may work later.
    Failed,
}
ledgerfleet_model::words!(RefreshResult {
    Granted => "granted",
    Refused => "refused",
    Lost => "lost",
    Failed => "failed",
});

/// What the rows of one page did to the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Stored for the first time.
    pub new: u64,
    /// Replaced by a newer version.
    pub changed: u64,
    /// Equal or older.
    pub same: u64,
    /// Tombstones.
    pub deleted: u64,
    /// Put into quarantine.
    pub quarantined: u64,
}

/// An attempt ended after `took`.
pub fn attempt_ended(connector: &str, outcome: AttemptOutcome, took: Duration) {
    let connector = connector.to_owned();
    let outcome = outcome.as_str();
    counter!(names::ATTEMPTS_TOTAL, "connector" => connector.clone(), "outcome" => outcome).increment(1);
    histogram!(names::SEGMENT_DURATION_SECONDS, "connector" => connector, "outcome" => outcome).record(took);
}

/// An attempt failed and will be tried again.
pub fn retried(connector: &str, reason: FailureKind) {
    counter!(names::RETRIES_TOTAL, "connector" => connector.to_owned(), "reason" => reason.as_str())
        .increment(1);
}

/// A page was committed.
pub fn page_committed(connector: &str, entity: &str, rows: RowCounts) {
    let (connector, entity) = (connector.to_owned(), entity.to_owned());
    counter!(names::PAGES_TOTAL, "connector" => connector.clone(), "entity" => entity.clone()).increment(1);
    let effects = [
        ("new", rows.new),
        ("changed", rows.changed),
        ("same", rows.same),
        ("deleted", rows.deleted),
        ("quarantined", rows.quarantined),
    ];
    for (effect, count) in effects {
        counter!(
            names::ROWS_TOTAL,
            "connector" => connector.clone(), "entity" => entity.clone(), "effect" => effect
        )
        .increment(count);
    }
}

/// A request to an upstream ended: with a status, or with none where no answer came.
pub fn request_ended(connector: &str, status: Option<u16>, took: Duration) {
    let connector = connector.to_owned();
    let label = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    counter!(names::API_REQUESTS_TOTAL, "connector" => connector.clone(), "status" => label).increment(1);
    histogram!(names::API_REQUEST_DURATION_SECONDS, "connector" => connector).record(took);
}

/// The HTTP API began to answer a request.
pub fn http_answered(route: &'static str, method: &'static str, status: u16, took: Duration) {
    counter!(names::HTTP_REQUESTS_TOTAL, "route" => route, "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(names::HTTP_REQUEST_DURATION_SECONDS, "route" => route).record(took);
}

/// An upstream asked for fewer requests.
pub fn throttled(connector: &str) {
    counter!(names::THROTTLED_TOTAL, "connector" => connector.to_owned()).increment(1);
}

/// An attempt waited for the gate before a request.
pub fn gate_waited(connector: &str, waited: Duration) {
    histogram!(names::GATE_WAIT_SECONDS, "connector" => connector.to_owned()).record(waited);
}

/// A request is in flight until the answer of this function is dropped.
#[must_use = "dropping it at once says that the request has ended"]
pub fn request_in_flight(connector: &str) -> InFlight {
    let gauge = gauge!(names::IN_FLIGHT_REQUESTS, "connector" => connector.to_owned());
    gauge.increment(1.0);
    InFlight(gauge)
}

/// A request that has no answer yet.
#[derive(Debug)]
pub struct InFlight(metrics::Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// An attempt found its window locked by another.
pub fn lock_contended() {
    counter!(names::LOCK_CONTENTION_TOTAL).increment(1);
}

/// A write was refused because its epoch was over.
pub fn write_fenced() {
    counter!(names::FENCED_WRITES_TOTAL).increment(1);
}

/// Segments were taken back from a lost worker.
pub fn rescued(segments: u64) {
    counter!(names::RESCUED_TOTAL).increment(segments);
}

/// So many dead segments were sent again since the leader last looked: whoever sends them is gone before it is asked.
pub fn replayed(segments: u64) {
    counter!(names::REPLAYED_TOTAL).increment(segments);
}

/// Access was refreshed, or not.
pub fn token_refreshed(result: RefreshResult) {
    counter!(names::TOKEN_REFRESH_TOTAL, "result" => result.as_str()).increment(1);
}

/// The first credential to expire does so in this many seconds.
pub fn token_expires(seconds: u64) {
    gauge!(names::TOKEN_EXPIRES_SECONDS).set(as_number(seconds));
}

/// So many metered calls were counted this month.
pub fn calls_this_month(connector: &str, calls: u64) {
    gauge!(names::API_CALLS_MONTH, "connector" => connector.to_owned()).set(as_number(calls));
}

/// So many metered calls are left this month for what can wait.
pub fn budget_remaining(calls: u64) {
    gauge!(names::API_BUDGET_REMAINING).set(as_number(calls));
}

/// So many segments are in this state.
pub fn segments(state: SegmentState, count: u64) {
    gauge!(names::SEGMENTS, "state" => state.as_str()).set(as_number(count));
}

/// So many dead segments of this connector have this reason.
pub fn dead_letters(connector: &str, reason: FailureKind, count: u64) {
    gauge!(names::DEAD_LETTERS, "connector" => connector.to_owned(), "reason" => reason.as_str())
        .set(as_number(count));
}

/// The oldest checkpoint is so old, and so many entities fail to be brought in sync.
pub fn syncs(connector: &'static str, lag_seconds: u64, failing: u64) {
    gauge!(names::CHECKPOINT_LAG_SECONDS, "connector" => connector).set(as_number(lag_seconds));
    gauge!(names::SYNCS_FAILING, "connector" => connector).set(as_number(failing));
}

/// A segment by which entities are kept in sync ended.
pub fn sync_ended(connector: &str, outcome: AttemptOutcome) {
    let connector = connector.to_owned();
    counter!(names::SYNCS_TOTAL, "connector" => connector, "outcome" => outcome.as_str()).increment(1);
}

/// What became of a webhook event, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookResult {
    /// Stored: its record is looked up.
    Accepted,
    /// Stored before.
    Duplicate,
    /// Stored, of a company that is not connected.
    UnknownCompany,
    /// Stored, of something that is not copied.
    UnknownKind,
    /// Stored, and nonsense.
    Unreadable,
    /// A delivery whose signature is not good.
    Refused,
    /// A delivery that the ledger did not take.
    NotStored,
}
ledgerfleet_model::words!(WebhookResult {
    Accepted => "accepted",
    Duplicate => "duplicate",
    UnknownCompany => "unknown_company",
    UnknownKind => "unknown_kind",
    Unreadable => "unreadable",
    Refused => "refused",
    NotStored => "not_stored",
});

/// So many webhook events ended so.
pub fn webhook_events(result: WebhookResult, count: u64) {
    counter!(names::WEBHOOK_EVENTS_TOTAL, "result" => result.as_str()).increment(count);
}

/// The last webhook event came at this instant, seconds of Unix time, 0 if none did; so many wait.
pub fn webhooks(last: u64, waiting: u64) {
    gauge!(names::WEBHOOK_LAST_EVENT_TIMESTAMP_SECONDS).set(as_number(last));
    gauge!(names::WEBHOOK_EVENTS_WAITING).set(as_number(waiting));
}

/// Signatures of webhooks are checked with so many tokens.
pub fn webhook_tokens(count: u8) {
    gauge!(names::WEBHOOK_TOKENS).set(f64::from(count));
}

/// A trigger was fired, by its result.
pub fn trigger_fired(result: &'static str) {
    counter!(names::TRIGGERS_TOTAL, "result" => result).increment(1);
}

/// So many brakes of this scope are closed.
pub fn brakes(scope: &'static str, count: u64) {
    gauge!(names::BRAKES, "scope" => scope).set(as_number(count));
}

/// The longest-due segment has been due for so long.
pub fn oldest_due(seconds: u64) {
    gauge!(names::OLDEST_DUE_SECONDS).set(as_number(seconds));
}

/// So many segments of this lane are on the bell.
pub fn ready(lane: Lane, count: u64) {
    gauge!(names::READY, "lane" => lane.as_str()).set(as_number(count));
}

/// Whether this process runs the leader's duties.
pub fn leading(leads: bool) {
    gauge!(names::LEADER).set(f64::from(u8::from(leads)));
}

/// What is due was offered at this instant, in milliseconds since 1970.
pub fn dispatched_at(millis: i64) {
    let seconds = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    gauge!(names::LAST_DISPATCH_TIMESTAMP_SECONDS).set(seconds.as_secs_f64());
}

/// This machine's clock is so many seconds ahead of the ledger's.
pub fn clock_skew(seconds: f64) {
    gauge!(names::CLOCK_SKEW_SECONDS).set(seconds);
}

/// So many workers are known to this process.
pub fn workers(count: u64) {
    gauge!(names::WORKERS).set(as_number(count));
}

/// So many connections are in this state.
pub fn connections(state: ConnectionState, count: u64) {
    gauge!(names::CONNECTIONS, "state" => state.as_str()).set(as_number(count));
}

/// What the gates of all active connections of this connector allow: requests per second, and in flight.
pub fn gate_limits(connector: &str, requests_per_second: f64, slots: u64) {
    let connector = connector.to_owned();
    gauge!(names::GATE_LIMIT, "connector" => connector.clone(), "kind" => "rate").set(requests_per_second);
    gauge!(names::GATE_LIMIT, "connector" => connector, "kind" => "slots").set(as_number(slots));
}

/// A window was last read to its end at this instant, seconds of Unix time; 0 if never.
pub fn last_success(connector: &str, at: u64) {
    gauge!(names::LAST_SUCCESS_TIMESTAMP_SECONDS, "connector" => connector.to_owned()).set(as_number(at));
}

/// What a process needs beside its own memory, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// The ledger's.
    Database,
    /// Bell, gate and locks of a fleet.
    Redis,
}
ledgerfleet_model::words!(Dependency {
    Database => "database",
    Redis => "redis",
});

/// A dependency was tried: whether it could be used, and how long it took to find out.
pub fn dependency_tried(dependency: Dependency, up: bool, took: Duration) {
    let dependency = dependency.as_str();
    gauge!(names::DEPENDENCY_UP, "dependency" => dependency).set(f64::from(u8::from(up)));
    histogram!(names::DEPENDENCY_DURATION_SECONDS, "dependency" => dependency).record(took);
}

/// The sessions of this process with its database.
pub fn database_sessions(idle: u32, in_use: u32, most: u32) {
    for (state, count) in [("idle", idle), ("in_use", in_use), ("max", most)] {
        gauge!(names::DB_POOL, "state" => state).set(f64::from(count));
    }
}

/// What a process writes to, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where granted tokens wait for the ledger.
    Spool,
    /// The ledger of one process, which is a file.
    Database,
}
ledgerfleet_model::words!(Place {
    Spool => "spool",
    Database => "database",
});

/// A place of this process has so many bytes left of so many.
pub fn disk(place: Place, free: u64, size: u64) {
    gauge!(names::DISK_FREE_BYTES, "place" => place.as_str()).set(as_number(free));
    gauge!(names::DISK_SIZE_BYTES, "place" => place.as_str()).set(as_number(size));
}

/// A count as Prometheus holds it. Beyond 2⁵³ it is rounded, which no count here will reach.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn as_number(count: u64) -> f64 {
    count as f64
}
