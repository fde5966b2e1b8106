-- Dead letters in an incident: sendings that stop when their cause returns, letters that nobody wants to see any more,
-- and what the time of an attempt went into.

-- Sendings of dead letters.
CREATE TABLE fleet_replays (
    id             TEXT NOT NULL PRIMARY KEY,
    state          TEXT NOT NULL CHECK (state IN ('going', 'stopping', 'stopped')),
    at             TEXT NOT NULL,
    asked_by       TEXT NOT NULL,
    filter         TEXT NOT NULL,                                   -- JSON object
    most           INTEGER,                                         -- a canary's segments
    per_minute     INTEGER,
    request_key    TEXT,                                            -- null once an equal request has taken its place
    next_due_at    TEXT NOT NULL,                                   -- of the next segment that it sends
    segments       INTEGER NOT NULL DEFAULT 0,                      -- sent
    withdrawn      INTEGER NOT NULL DEFAULT 0,                      -- of these, dead again without having been claimed
    stopped_at     TEXT,
    stopped_by     TEXT,                                            -- the segment that died of its old cause
    stopped_reason TEXT
);
-- Two unfinished sendings never answer one request, whoever asks at the same moment.
CREATE UNIQUE INDEX fleet_replays_request ON fleet_replays (request_key) WHERE state = 'going';
CREATE INDEX fleet_replays_stopping ON fleet_replays (id) WHERE state = 'stopping';

-- A segment that is sent again keeps reason, message, fingerprint and ended_at until it ends: with them it goes back if
-- its sending is stopped, and by them a cause is known again. claimed_at is null until it is claimed anew.
ALTER TABLE fleet_segments ADD COLUMN replay_id TEXT;               -- the last sending it was part of
ALTER TABLE fleet_segments ADD COLUMN dropped_at TEXT;              -- a dead letter that is hidden
-- How a sending fares, and what of it can be withdrawn, next due first.
CREATE INDEX fleet_segments_replay ON fleet_segments (replay_id, state, id) WHERE replay_id IS NOT NULL;
-- Dead letters by time for lists and sendings, by cause for groups and counts.
DROP INDEX fleet_segments_dead;
CREATE INDEX fleet_segments_dead ON fleet_segments (ended_at, id) WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX fleet_segments_causes ON fleet_segments (fingerprint, ended_at, id, reason, entity, connection_id)
    WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX fleet_segments_dropped ON fleet_segments (ended_at, id) WHERE state = 'dead' AND dropped_at IS NOT NULL;

-- What an attempt did before it ended; null where nobody can tell, as of one that was lost with its worker.
ALTER TABLE fleet_attempts ADD COLUMN worked_ms INTEGER;            -- without its waits for the gate
ALTER TABLE fleet_attempts ADD COLUMN gate_ms INTEGER;              -- waited for the gate
ALTER TABLE fleet_attempts ADD COLUMN pages INTEGER;                -- stored
