-- What people are shown: what was found deleted at the source, what stopped a replay, who leads since when, and what a
-- month has cost.

-- Tombstones that a segment has stored, through all passes, attempts and replays.
ALTER TABLE fleet_segments ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fleet_segments_deleted ON fleet_segments (run_id, deleted) WHERE deleted > 0;

-- A record in quarantine that is gone at the source: its bytes are kept for who asks for it by id, and nothing lists it.
ALTER TABLE fleet_quarantine ADD COLUMN deleted_at TEXT;

-- The cause that returned.
ALTER TABLE fleet_replays ADD COLUMN stopped_fingerprint TEXT;

-- What was counted in a month, without reading the years before it.
CREATE INDEX fleet_api_calls_hour ON fleet_api_calls (hour);
