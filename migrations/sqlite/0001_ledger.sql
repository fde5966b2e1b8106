-- The ledger in one SQLite file: what was asked for, what was done, and the records.
--
-- Ids are hyphenated UUIDv7 text. Instants are UTC text of one width, `2026-11-21T08:30:00.000000Z`, so that they
-- compare as text; days are `2026-11-21`; durations are whole milliseconds in columns that end in `_ms`.

-- Companies. A removed one keeps its row, because records and runs still name its id.
CREATE TABLE fleet_connections (
    id                  TEXT NOT NULL PRIMARY KEY,
    name                TEXT NOT NULL,
    connector           TEXT NOT NULL,
    account             TEXT NOT NULL,
    environment         TEXT NOT NULL,
    time_zone           TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('active', 'paused', 'needs_reauthorisation', 'removed')),
    state_reason        TEXT,
    requests_per_second REAL,
    slots               INTEGER,
    created_at          TEXT NOT NULL
);
CREATE UNIQUE INDEX fleet_connections_name ON fleet_connections (name) WHERE state <> 'removed';

-- Sealed secrets; never a token in clear.
CREATE TABLE fleet_credentials (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES fleet_connections (id),
    version       INTEGER NOT NULL,
    sealed        TEXT NOT NULL,
    stored_at     TEXT NOT NULL
);

-- Requests.
CREATE TABLE fleet_runs (
    id          TEXT NOT NULL PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('active', 'paused', 'done', 'dead', 'cancelled')),
    lane        INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 2),      -- 0 live, 1 manual, 2 backfill
    connections TEXT NOT NULL,                                      -- JSON array of names
    entities    TEXT NOT NULL,                                      -- JSON array
    first_day   TEXT,
    last_day    TEXT,                                               -- included
    axis        TEXT NOT NULL,
    segmenting  TEXT NOT NULL,
    page_size   INTEGER NOT NULL,
    request_key TEXT,                                               -- null once an equal request has taken its place
    segments    INTEGER NOT NULL DEFAULT 0,
    created_at  TEXT NOT NULL,
    closed_at   TEXT
);
-- Two unfinished runs never answer one request, whoever asks at the same moment.
CREATE UNIQUE INDEX fleet_runs_request ON fleet_runs (request_key) WHERE state IN ('active', 'paused');
CREATE INDEX fleet_runs_active ON fleet_runs (lane, id) WHERE state = 'active';

-- Which companies a run touches: with it, what is due is found by a few probes instead of a walk.
CREATE TABLE fleet_run_connections (
    run_id        TEXT NOT NULL REFERENCES fleet_runs (id),
    connection_id TEXT NOT NULL REFERENCES fleet_connections (id),
    PRIMARY KEY (run_id, connection_id)
) WITHOUT ROWID;

-- The units of work.
CREATE TABLE fleet_segments (
    id               TEXT NOT NULL PRIMARY KEY,
    run_id           TEXT NOT NULL REFERENCES fleet_runs (id),
    connection_id    TEXT NOT NULL REFERENCES fleet_connections (id),
    entity           TEXT NOT NULL,
    lane             INTEGER NOT NULL,
    format           INTEGER NOT NULL,
    state            TEXT NOT NULL DEFAULT 'pending'
                     CHECK (state IN ('pending', 'running', 'done', 'dead', 'cancelled')),
    epoch            INTEGER NOT NULL DEFAULT 0,                    -- the fence
    axis             TEXT NOT NULL,
    day_from         TEXT,                                          -- included; null for `whole`
    day_to           TEXT,                                          -- excluded
    starts_at        TEXT,                                          -- instants, for `created` and `updated`
    ends_at          TEXT,                                          -- excluded
    page_size        INTEGER NOT NULL,
    pass             INTEGER NOT NULL DEFAULT 1,                    -- which reading of the window this is
    page             INTEGER NOT NULL DEFAULT 0,                    -- pages of this pass that are committed
    rows             INTEGER NOT NULL DEFAULT 0,                    -- of this pass, then of the finished window
    pages            INTEGER NOT NULL DEFAULT 0,                    -- committed in all, through passes and replays
    calls            INTEGER NOT NULL DEFAULT 0,                    -- metered calls in all
    attempt          INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    crashes          INTEGER NOT NULL DEFAULT 0,
    waited_ms        INTEGER NOT NULL DEFAULT 0,
    started          INTEGER NOT NULL DEFAULT 0,
    progressed       INTEGER NOT NULL DEFAULT 0,
    due_at           TEXT NOT NULL,
    lease_until      TEXT,
    worker           TEXT,                                          -- who holds it, or held it last
    claimed_at       TEXT,
    first_claimed_at TEXT,
    ended_at         TEXT,
    reason           TEXT,                                          -- why it is dead
    message          TEXT,
    fingerprint      TEXT,
    note             TEXT,
    created_at       TEXT NOT NULL
);
-- Sums of a run and what it still has to do, without touching the table.
CREATE INDEX fleet_segments_run ON fleet_segments (run_id, state, rows, pages, calls);
-- What is due. Ties fall to the rowid, which is the order of submission.
CREATE INDEX fleet_segments_due ON fleet_segments (run_id, connection_id, due_at) WHERE state = 'pending';
CREATE INDEX fleet_segments_running ON fleet_segments (connection_id) WHERE state = 'running';
CREATE INDEX fleet_segments_dead ON fleet_segments (fingerprint, ended_at) WHERE state = 'dead';

-- Attempts that ended otherwise than done. Consecutive waits for one reason share a row.
CREATE TABLE fleet_attempts (
    id             INTEGER PRIMARY KEY,
    segment_id     TEXT NOT NULL REFERENCES fleet_segments (id),
    attempt        INTEGER NOT NULL,                                -- of the first, where several share the row
    worker         TEXT NOT NULL,
    started_at     TEXT NOT NULL,
    ended_at       TEXT NOT NULL,
    outcome        TEXT NOT NULL CHECK (outcome IN ('later', 'retry', 'dead', 'crash')),
    reason         TEXT NOT NULL,
    message        TEXT NOT NULL,
    request        TEXT,
    status         INTEGER,
    upstream_code  TEXT,
    transaction_id TEXT,
    times          INTEGER NOT NULL DEFAULT 1,
    waited_ms      INTEGER NOT NULL
);
CREATE INDEX fleet_attempts_segment ON fleet_attempts (segment_id);

-- Upstream ids seen in each pass over an unfinished window of several pages.
CREATE TABLE fleet_seen (
    segment_id TEXT NOT NULL REFERENCES fleet_segments (id),
    pass       INTEGER NOT NULL,
    id         TEXT NOT NULL,
    PRIMARY KEY (segment_id, pass, id)
) WITHOUT ROWID;

-- Which windows are complete.
CREATE TABLE fleet_coverage (
    connection_id   TEXT NOT NULL REFERENCES fleet_connections (id),
    entity          TEXT NOT NULL,
    axis            TEXT NOT NULL,
    day_from        TEXT,
    day_to          TEXT,                                           -- excluded
    starts_at       TEXT,
    ends_at         TEXT,
    state           TEXT NOT NULL CHECK (state IN ('complete', 'open')),
    rows            INTEGER NOT NULL,
    source_count    INTEGER,
    read_at         TEXT NOT NULL,
    last_result     TEXT NOT NULL CHECK (last_result IN ('done', 'dead', 'cancelled')),
    last_segment_id TEXT NOT NULL,
    note            TEXT
);
CREATE UNIQUE INDEX fleet_coverage_window
    ON fleet_coverage (connection_id, entity, axis, coalesce(day_from, ''), coalesce(day_to, ''));

-- Metered calls by the hour in which they were counted.
CREATE TABLE fleet_api_calls (
    connection_id TEXT NOT NULL REFERENCES fleet_connections (id),
    entity        TEXT NOT NULL,
    hour          TEXT NOT NULL,
    calls         INTEGER NOT NULL,
    PRIMARY KEY (connection_id, entity, hour)
) WITHOUT ROWID;

-- What people did.
CREATE TABLE fleet_audit (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    action  TEXT NOT NULL,                                          -- run.pause, dead_letters.replay, …
    subject TEXT,
    detail  TEXT NOT NULL                                           -- JSON object
);

-- The upstream's objects, each in the newest version that was seen.
CREATE TABLE raw_records (
    connection_id            TEXT NOT NULL REFERENCES fleet_connections (id),
    entity                   TEXT NOT NULL,                         -- with its connector: qbo_invoice
    id                       TEXT NOT NULL,
    payload                  TEXT NOT NULL,                         -- complete, as returned
    payload_hash             BLOB NOT NULL,                         -- BLAKE3-256
    source_version           INTEGER,
    source_created_at        TEXT,
    source_updated_at        TEXT,
    document_date            TEXT,
    observed_at_utc          TEXT NOT NULL,                         -- just before the request that brought it
    ingested_at_utc          TEXT NOT NULL,                         -- when this version was stored
    last_seen_utc            TEXT NOT NULL,                         -- to within a day
    extract_window_start_utc TEXT,                                  -- of a window of dates: midnight UTC
    extract_window_end_utc   TEXT,
    page_number              INTEGER NOT NULL,
    page_size                INTEGER NOT NULL,
    request_payload          TEXT NOT NULL,
    segment_id               TEXT NOT NULL,
    deleted_at_utc           TEXT,                                  -- a tombstone keeps the last payload
    sanitised                INTEGER NOT NULL DEFAULT 0,
    original                 BLOB,                                  -- the bytes as served, where sanitised
    PRIMARY KEY (connection_id, entity, id)
);
CREATE INDEX raw_records_date
    ON raw_records (connection_id, entity, document_date, deleted_at_utc, ingested_at_utc);

CREATE VIEW qbo_invoice AS SELECT * FROM raw_records WHERE entity = 'qbo_invoice';
CREATE VIEW qbo_customer AS SELECT * FROM raw_records WHERE entity = 'qbo_customer';
CREATE VIEW qbo_item AS SELECT * FROM raw_records WHERE entity = 'qbo_item';
CREATE VIEW qbo_journal_entry AS SELECT * FROM raw_records WHERE entity = 'qbo_journal_entry';
