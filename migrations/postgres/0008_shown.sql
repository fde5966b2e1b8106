-- What people are shown: what was found deleted at the source, what stopped a replay, who leads since when, and what a
-- month has cost.

-- Tombstones that a segment has stored, through all passes, attempts and replays.
ALTER TABLE fleet.segments ADD COLUMN deleted bigint NOT NULL DEFAULT 0;
CREATE INDEX segments_deleted ON fleet.segments (run_id) WHERE deleted > 0;

-- A record in quarantine that is gone at the source: its bytes are kept for who asks for it by id, and nothing lists it.
ALTER TABLE fleet.quarantine ADD COLUMN deleted_at timestamptz;

-- The cause that returned.
ALTER TABLE fleet.replays ADD COLUMN stopped_fingerprint text;

-- When the term of whoever leads began; null until the leader changes for the first time.
ALTER TABLE fleet.leader ADD COLUMN since timestamptz;

-- What was counted in a month, without reading the years before it.
CREATE INDEX api_calls_hour ON fleet.api_calls (hour);
