-- The ledger in Postgres: what was asked for, what was done, and the records. Control tables are in schema `fleet`,
-- the records in schema `raw`.
--
-- Ids are UUIDv7, so their order is the order of birth. Durations are whole milliseconds in columns that end in `_ms`.
-- Names and ids of others compare by their bytes (COLLATE "C"), whatever the database's own collation.

CREATE SCHEMA IF NOT EXISTS fleet;
CREATE SCHEMA IF NOT EXISTS raw;

-- Companies. A removed one keeps its row, because records and runs still name its id.
CREATE TABLE fleet.connections (
    id                  uuid PRIMARY KEY,
    name                text COLLATE "C" NOT NULL,
    connector           text NOT NULL,
    account             text NOT NULL,
    environment         text NOT NULL,
    time_zone           text NOT NULL,
    state               text NOT NULL CHECK (state IN ('active', 'paused', 'needs_reauthorisation', 'removed')),
    state_reason        text,
    requests_per_second double precision,
    slots               integer,
    created_at          timestamptz NOT NULL
);
CREATE UNIQUE INDEX connections_name ON fleet.connections (name) WHERE state <> 'removed';

-- Sealed secrets; never a token in clear.
CREATE TABLE fleet.credentials (
    connection_id uuid PRIMARY KEY REFERENCES fleet.connections (id),
    version       bigint NOT NULL,
    sealed        text NOT NULL,
    stored_at     timestamptz NOT NULL
);

-- Requests.
CREATE TABLE fleet.runs (
    id          uuid PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('active', 'paused', 'done', 'dead', 'cancelled')),
    lane        smallint NOT NULL CHECK (lane BETWEEN 0 AND 2),     -- 0 live, 1 manual, 2 backfill
    connections text[] NOT NULL,                                    -- names
    entities    text[] NOT NULL,
    first_day   date,
    last_day    date,                                               -- included
    axis        text NOT NULL,
    segmenting  text NOT NULL,
    page_size   integer NOT NULL,
    request_key text,                                               -- null once an equal request has taken its place
    segments    bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    closed_at   timestamptz
);
-- Two unfinished runs never answer one request, whoever asks at the same moment.
CREATE UNIQUE INDEX runs_request ON fleet.runs (request_key) WHERE state IN ('active', 'paused');
CREATE INDEX runs_active ON fleet.runs (lane, id) WHERE state = 'active';
CREATE INDEX runs_newest ON fleet.runs (created_at, id);

-- Which companies a run touches: with it, what is due is found by a few probes instead of a walk.
CREATE TABLE fleet.run_connections (
    run_id        uuid NOT NULL REFERENCES fleet.runs (id),
    connection_id uuid NOT NULL REFERENCES fleet.connections (id),
    PRIMARY KEY (run_id, connection_id)
);
CREATE INDEX run_connections_connection ON fleet.run_connections (connection_id);

-- The units of work. A fifth of every page stays free, so that heartbeats and pages rewrite their row in place; for
-- the same reason no index may hold lease_until, page, rows, pages or calls.
CREATE TABLE fleet.segments (
    id               uuid PRIMARY KEY,
    run_id           uuid NOT NULL,
    connection_id    uuid NOT NULL,
    epoch            bigint NOT NULL DEFAULT 0,                     -- the fence
    rows             bigint NOT NULL DEFAULT 0,                     -- of this pass, then of the finished window
    pages            bigint NOT NULL DEFAULT 0,                     -- committed in all, through passes and replays
    calls            bigint NOT NULL DEFAULT 0,                     -- metered calls in all
    waited_ms        bigint NOT NULL DEFAULT 0,
    due_at           timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    starts_at        timestamptz,                                   -- instants, for `created` and `updated`
    ends_at          timestamptz,                                   -- excluded
    lease_until      timestamptz,
    claimed_at       timestamptz,
    first_claimed_at timestamptz,
    ended_at         timestamptz,
    day_from         date,                                          -- included; null for `whole`
    day_to           date,                                          -- excluded
    format           integer NOT NULL,
    page_size        integer NOT NULL,
    pass             integer NOT NULL DEFAULT 1,                    -- which reading of the window this is
    page             integer NOT NULL DEFAULT 0,                    -- pages of this pass that are committed
    attempt          integer NOT NULL DEFAULT 0,
    failures         integer NOT NULL DEFAULT 0,
    crashes          integer NOT NULL DEFAULT 0,
    lane             smallint NOT NULL,
    started          boolean NOT NULL DEFAULT false,
    progressed       boolean NOT NULL DEFAULT false,
    state            text NOT NULL DEFAULT 'pending'
                     CHECK (state IN ('pending', 'running', 'done', 'dead', 'cancelled')),
    entity           text COLLATE "C" NOT NULL,
    axis             text NOT NULL,
    worker           text,                                          -- who holds it, or held it last
    reason           text,                                          -- why it is dead
    message          text,
    fingerprint      text,
    note             text,
    FOREIGN KEY (run_id, connection_id) REFERENCES fleet.run_connections (run_id, connection_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- A run's sums, and whether anything of it is unfinished.
CREATE INDEX segments_run ON fleet.segments (run_id, state);
-- What is due, in the order of submission where it is due at one instant.
CREATE INDEX segments_due ON fleet.segments (run_id, connection_id, due_at, id) WHERE state = 'pending';
CREATE INDEX segments_running ON fleet.segments (connection_id) WHERE state = 'running';
CREATE INDEX segments_dead ON fleet.segments (fingerprint, ended_at) WHERE state = 'dead';

-- Attempts that ended otherwise than done. Consecutive waits for one reason share a row.
CREATE TABLE fleet.attempts (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    segment_id     uuid NOT NULL REFERENCES fleet.segments (id),
    attempt        integer NOT NULL,                                -- of the first, where several share the row
    worker         text NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('later', 'retry', 'dead', 'crash')),
    reason         text NOT NULL,
    message        text NOT NULL,
    request        text,
    status         integer,
    upstream_code  text,
    transaction_id text,
    times          integer NOT NULL DEFAULT 1,
    waited_ms      bigint NOT NULL
);
CREATE INDEX attempts_segment ON fleet.attempts (segment_id, id);

-- Upstream ids seen in each pass over an unfinished window of several pages.
CREATE TABLE fleet.seen (
    segment_id uuid NOT NULL,
    pass       integer NOT NULL,
    id         text COLLATE "C" NOT NULL,
    PRIMARY KEY (segment_id, pass, id)
);

-- Which windows are complete.
CREATE TABLE fleet.coverage (
    connection_id   uuid NOT NULL REFERENCES fleet.connections (id),
    entity          text COLLATE "C" NOT NULL,
    axis            text NOT NULL,
    day_from        date,
    day_to          date,                                           -- excluded
    starts_at       timestamptz,
    ends_at         timestamptz,
    state           text NOT NULL CHECK (state IN ('complete', 'open')),
    rows            bigint NOT NULL,
    source_count    bigint,
    read_at         timestamptz NOT NULL,
    last_result     text NOT NULL CHECK (last_result IN ('done', 'dead', 'cancelled')),
    last_segment_id uuid NOT NULL,
    note            text
);
CREATE UNIQUE INDEX coverage_window ON fleet.coverage
    (connection_id, entity, axis, coalesce(day_from, '-infinity'), coalesce(day_to, 'infinity'));

-- Metered calls by the hour in which they were counted.
CREATE TABLE fleet.api_calls (
    connection_id uuid NOT NULL REFERENCES fleet.connections (id),
    entity        text COLLATE "C" NOT NULL,
    hour          timestamptz NOT NULL,
    calls         bigint NOT NULL,
    PRIMARY KEY (connection_id, entity, hour)
) WITH (fillfactor = 50);

-- What people did.
CREATE TABLE fleet.audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    action  text NOT NULL,                                          -- run.pause, dead_letters.replay, …
    subject text,
    detail  jsonb NOT NULL
);

-- The upstream's objects, each in the newest version that was seen: one logical table, a physical one for every
-- entity, named for people.
CREATE TABLE raw.records (
    connection_id            uuid NOT NULL,
    entity                   text COLLATE "C" NOT NULL,             -- with its connector: qbo_invoice
    id                       text COLLATE "C" NOT NULL,
    payload                  jsonb NOT NULL,                        -- complete, as returned
    payload_hash             bytea NOT NULL,                        -- BLAKE3-256 of the text as served
    source_version           bigint,
    source_created_at        timestamptz,
    source_updated_at        timestamptz,
    document_date            date,
    observed_at_utc          timestamptz NOT NULL,                  -- just before the request that brought it
    ingested_at_utc          timestamptz NOT NULL,                  -- when this version was stored
    last_seen_utc            timestamptz NOT NULL,                  -- to within a day
    extract_window_start_utc timestamptz,                           -- of a window of dates: midnight UTC
    extract_window_end_utc   timestamptz,
    page_number              integer NOT NULL,
    page_size                integer NOT NULL,
    request_payload          text NOT NULL,
    segment_id               uuid NOT NULL,
    deleted_at_utc           timestamptz,                           -- a tombstone keeps the last payload
    sanitised                boolean NOT NULL DEFAULT false,        -- payload differs from what was served
    original                 bytea,                                 -- the bytes as served, where sanitised
    -- In this order: who knows connection and id finds the row without naming the entity a second time.
    PRIMARY KEY (connection_id, id, entity)
) PARTITION BY LIST (entity);
-- By date, and what is counted of an entity without touching its table.
CREATE INDEX records_date ON raw.records (connection_id, document_date DESC NULLS LAST, id)
    INCLUDE (deleted_at_utc, ingested_at_utc);

-- Made first and attached then: so a later entity is added without stopping those who write others.
CREATE TABLE raw.qbo_invoice (LIKE raw.records INCLUDING ALL, CHECK (entity = 'qbo_invoice'));
CREATE TABLE raw.qbo_customer (LIKE raw.records INCLUDING ALL, CHECK (entity = 'qbo_customer'));
CREATE TABLE raw.qbo_item (LIKE raw.records INCLUDING ALL, CHECK (entity = 'qbo_item'));
CREATE TABLE raw.qbo_journal_entry (LIKE raw.records INCLUDING ALL, CHECK (entity = 'qbo_journal_entry'));
ALTER TABLE raw.records ATTACH PARTITION raw.qbo_invoice FOR VALUES IN ('qbo_invoice');
ALTER TABLE raw.records ATTACH PARTITION raw.qbo_customer FOR VALUES IN ('qbo_customer');
ALTER TABLE raw.records ATTACH PARTITION raw.qbo_item FOR VALUES IN ('qbo_item');
ALTER TABLE raw.records ATTACH PARTITION raw.qbo_journal_entry FOR VALUES IN ('qbo_journal_entry');

-- Statistics of long texts are dear and of no use. Those of companies are outdated whenever one is added, and then say
-- that it has no records: without any, Postgres assumes a fair share. For every partition, also a later one.
ALTER TABLE raw.records
    ALTER COLUMN connection_id SET STATISTICS 0,
    ALTER COLUMN payload SET STATISTICS 0,
    ALTER COLUMN payload_hash SET STATISTICS 0,
    ALTER COLUMN request_payload SET STATISTICS 0,
    ALTER COLUMN original SET STATISTICS 0;
