-- Every table has an identity, also this one.
CREATE TABLE fleet_coverage_with_id (
    id              INTEGER PRIMARY KEY,
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
INSERT INTO fleet_coverage_with_id (connection_id, entity, axis, day_from, day_to, starts_at, ends_at, state, rows,
    source_count, read_at, last_result, last_segment_id, note)
SELECT connection_id, entity, axis, day_from, day_to, starts_at, ends_at, state, rows, source_count, read_at, last_result,
    last_segment_id, note
FROM fleet_coverage;
DROP TABLE fleet_coverage;
ALTER TABLE fleet_coverage_with_id RENAME TO fleet_coverage;
CREATE UNIQUE INDEX fleet_coverage_window
    ON fleet_coverage (connection_id, entity, axis, coalesce(day_from, ''), coalesce(day_to, ''));

-- A company is known by connector, environment and the upstream's id of it, whatever people call it. One is connected
-- once at a time; removed ones may be several, from before this was so.
ALTER TABLE fleet_connections
    -- The last version of the credential that went with a removal: the next one goes on from there, so that a token
    -- which still waits somewhere is not taken for a newer one.
    ADD COLUMN retired_version INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX fleet_connections_company
    ON fleet_connections (connector, environment, account) WHERE state <> 'removed';
