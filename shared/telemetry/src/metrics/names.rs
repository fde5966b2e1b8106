//! Names: every metric there is. Nothing else in the workspace spells one.

/// What kind of series a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its full name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it says, with the unit.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal: $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: &str = concat!("ledgerfleet_", $name);)+

        /// Every metric.
        pub const ALL: &[Metric] = &[$(Metric { name: $constant, kind: Kind::$kind, help: $help }),+];
    };
}

metrics! {
    Gauge SEGMENTS = "segments": "Segments by state.";
    Gauge OLDEST_DUE_SECONDS = "oldest_due_seconds": "Seconds that the longest-due segment has been due.";
    Gauge READY = "ready": "Segments on the bell, by lane.";
    Histogram SEGMENT_DURATION_SECONDS = "segment_duration_seconds":
        "Seconds from claim to outcome of one attempt, by connector and outcome.";
    Counter ATTEMPTS_TOTAL = "attempts_total": "Attempts that ended, by connector and outcome.";
    Counter RETRIES_TOTAL = "retries_total": "Attempts that ended as a failure to be tried again, by reason.";
    Gauge DEAD_LETTERS = "dead_letters": "Dead segments, by connector and reason.";
    Gauge BRAKES = "brakes": "Companies, upstreams and tables that fail for everybody and are tried once a minute, by scope.";
    Counter REPLAYED_TOTAL = "replayed_total": "Dead segments that were sent again.";
    Counter ROWS_TOTAL = "rows_total": "Rows of committed pages, by what they did to the records.";
    Counter PAGES_TOTAL = "pages_total": "Committed pages.";
    Counter API_REQUESTS_TOTAL = "api_requests_total": "Requests to an upstream, by status.";
    Histogram API_REQUEST_DURATION_SECONDS = "api_request_duration_seconds":
        "Seconds one request to an upstream took.";
    Histogram GATE_WAIT_SECONDS = "gate_wait_seconds": "Seconds an attempt waited for the gate before a request.";
    Gauge IN_FLIGHT_REQUESTS = "in_flight_requests": "Requests to an upstream that have no answer yet.";
    Counter THROTTLED_TOTAL = "throttled_total": "Answers that asked for fewer requests.";
    Gauge API_CALLS_MONTH = "api_calls_month": "Metered calls of the current calendar month (UTC), by connector, read once a minute.";
    Gauge API_BUDGET_REMAINING = "api_budget_remaining": "Metered calls left this month. Not fed: no budget can be set yet.";
    Counter LOCK_CONTENTION_TOTAL = "lock_contention_total": "Attempts that found their window locked by another.";
    Counter FENCED_WRITES_TOTAL = "fenced_writes_total": "Writes refused because their epoch was over.";
    Counter RESCUED_TOTAL = "rescued_total": "Segments taken back from a lost worker.";
    Counter TOKEN_REFRESH_TOTAL = "token_refresh_total": "Refreshes of access, by result.";
    Gauge TOKEN_EXPIRES_SECONDS = "token_expires_seconds": "Seconds until the first credential that this process has used expires.";
    Gauge CHECKPOINT_LAG_SECONDS = "checkpoint_lag_seconds": "Seconds since the last complete sync.";
    Counter WEBHOOK_EVENTS_TOTAL = "webhook_events_total": "Webhook events, by result.";
    Gauge LEADER = "leader": "1 while this process runs the leader's duties.";
    Gauge WORKERS = "workers": "Workers known to this process.";
    Gauge CLOCK_SKEW_SECONDS = "clock_skew_seconds": "This machine's clock minus the ledger's, as seen at its last claim.";
    Gauge BUILD_INFO = "build_info": "Always 1; the version is the label.";
}
