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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its full name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it says, with the unit.
    pub help: &'static str,
    /// Upper bounds of a histogram's buckets, in seconds; none of another kind.
    pub buckets: &'static [f64],
}

/// One request: from an answer out of a cache to the upstream's own limit of two minutes.
const REQUEST: &[f64] = &[
    0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 20.0, 30.0, 60.0, 120.0,
];

/// One attempt: from a window of one small page to one of many large ones.
const ATTEMPT: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0,
];

/// A wait at the gate: nothing where there is room, a few requests' distance where there is not, or a closed gate.
const WAIT: &[f64] = &[
    0.001, 0.01, 0.05, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// One answer of a database or of Redis: from a local one to where a probe gives up.
const PROBE: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0,
];

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal $(in $buckets:ident)?: $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: &str = concat!("ledgerfleet_", $name);)+

        /// Every metric.
        pub const ALL: &[Metric] = &[
            $(Metric { name: $constant, kind: Kind::$kind, help: $help, buckets: metrics!(@buckets $($buckets)?) }),+
        ];
    };
    (@buckets) => { &[] };
    (@buckets $buckets:ident) => { $buckets };
}

metrics! {
    Gauge SEGMENTS = "segments": "Segments by state. From the leader alone.";
    Gauge OLDEST_DUE_SECONDS = "oldest_due_seconds": "Seconds that the longest-due segment has been due. From the leader alone.";
    Gauge READY = "ready": "Segments on the bell, by lane. From the leader alone.";
    Histogram SEGMENT_DURATION_SECONDS = "segment_duration_seconds" in ATTEMPT:
        "Seconds from claim to outcome of one attempt, by connector and outcome.";
    Counter ATTEMPTS_TOTAL = "attempts_total": "Attempts that ended, by connector and outcome.";
    Counter RETRIES_TOTAL = "retries_total": "Attempts that ended as a failure to be tried again, by reason.";
    Gauge DEAD_LETTERS = "dead_letters": "Dead segments, by connector and reason. From the leader alone.";
    Gauge BRAKES = "brakes": "Companies, upstreams, entities and tables that fail for everybody and are tried once a minute, by scope. From the leader alone.";
    Counter REPLAYED_TOTAL = "replayed_total": "Dead segments that were sent again, as the leader saw it.";
    Counter ROWS_TOTAL = "rows_total": "Rows of committed pages, by what they did to the records.";
    Counter PAGES_TOTAL = "pages_total": "Committed pages.";
    Counter API_REQUESTS_TOTAL = "api_requests_total": "Requests to an upstream, by status.";
    Histogram API_REQUEST_DURATION_SECONDS = "api_request_duration_seconds" in REQUEST:
        "Seconds one request to an upstream took.";
    Histogram GATE_WAIT_SECONDS = "gate_wait_seconds" in WAIT: "Seconds an attempt waited for the gate before a request.";
    Gauge IN_FLIGHT_REQUESTS = "in_flight_requests": "Requests to an upstream that have no answer yet.";
    Counter THROTTLED_TOTAL = "throttled_total": "Answers that asked for fewer requests.";
    Gauge API_CALLS_MONTH = "api_calls_month": "Metered calls of the current month, by connector, read once a minute. The month begins as the upstream counts (quickbooks.month_zone). From the leader alone.";
    Gauge API_BUDGET_REMAINING = "api_budget_remaining": "Metered calls left this month before backfills and verification wait, read once a minute. From the leader alone.";
    Counter LOCK_CONTENTION_TOTAL = "lock_contention_total": "Attempts that found their window locked by another.";
    Counter FENCED_WRITES_TOTAL = "fenced_writes_total": "Writes refused because their epoch was over.";
    Counter RESCUED_TOTAL = "rescued_total": "Segments taken back from a lost worker.";
    Counter TOKEN_REFRESH_TOTAL = "token_refresh_total": "Refreshes of access, by result.";
    Gauge TOKEN_EXPIRES_SECONDS = "token_expires_seconds": "Seconds until the first credential that this process has used expires.";
    Gauge CHECKPOINT_LAG_SECONDS = "checkpoint_lag_seconds": "Seconds since the oldest checkpoint of an entity whose changes are told, of active companies that are kept in sync, by connector; 0 where there is none. From the leader alone.";
    Gauge SYNCS_FAILING = "syncs_failing": "Entities of active companies whose last attempt to be brought in sync failed, by connector. From the leader alone.";
    Counter SYNCS_TOTAL = "syncs_total": "Attempts of segments by which companies are kept in sync, by connector and outcome.";
    Counter TRIGGERS_TOTAL = "triggers_total": "Triggers that this process has fired, by result: fired, late, failed.";
    Counter WEBHOOK_EVENTS_TOTAL = "webhook_events_total":
        "Webhook events that came to this process, by result; refused and not_stored count whole deliveries.";
    Gauge WEBHOOK_LAST_EVENT_TIMESTAMP_SECONDS = "webhook_last_event_timestamp_seconds":
        "When the last webhook event was stored, of those of the last week, Unix time; 0 if none was. From the leader alone.";
    Gauge WEBHOOK_EVENTS_WAITING = "webhook_events_waiting":
        "Webhook events of active companies that have waited for more than a minute. From the leader alone.";
    Gauge WEBHOOK_TOKENS = "webhook_tokens": "Verifier tokens of webhooks that this process checks signatures with.";
    Gauge LAST_DISPATCH_TIMESTAMP_SECONDS = "last_dispatch_timestamp_seconds":
        "When this process last offered what is due, in seconds since 1970; 0 if it never did. The fleet's is the largest.";
    Gauge LEADER = "leader": "1 while this process runs the leader's duties.";
    Gauge WORKERS = "workers": "Workers known to this process.";
    Gauge CLOCK_SKEW_SECONDS = "clock_skew_seconds": "This machine's clock minus the ledger's, as seen at its last claim.";
    Gauge CONNECTIONS = "connections": "Connections by state. From the leader alone.";
    Gauge GATE_LIMIT = "gate_limit":
        "What the gates of all active connections allow: requests per second (rate) and in flight (slots), by connector. From the leader alone.";
    Gauge LAST_SUCCESS_TIMESTAMP_SECONDS = "last_success_timestamp_seconds":
        "When a window was last read to its end, by connector, Unix time, read once a minute. From the leader alone.";
    Gauge DEPENDENCY_UP = "dependency_up": "1 if this process can use its database or Redis, tried as a worker uses it.";
    Histogram DEPENDENCY_DURATION_SECONDS = "dependency_duration_seconds" in PROBE:
        "Seconds that the database or Redis took to answer such a trial.";
    Gauge DB_POOL = "db_pool": "Sessions of this process with the database: idle, in use, and the most there may be.";
    Gauge DISK_FREE_BYTES = "disk_free_bytes":
        "Bytes that this process may still write where it keeps its spool, and its database if that is a file, by place.";
    Gauge DISK_SIZE_BYTES = "disk_size_bytes": "Bytes that the file system of that place holds.";
    Counter HTTP_REQUESTS_TOTAL = "http_requests_total": "Requests to the HTTP API, by route, method and status.";
    Histogram HTTP_REQUEST_DURATION_SECONDS = "http_request_duration_seconds" in REQUEST:
        "Seconds until the HTTP API's answer began, by route.";
    Gauge BUILD_INFO = "build_info": "Always 1; version and commit are the labels.";
}
