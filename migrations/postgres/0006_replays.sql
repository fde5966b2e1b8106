-- Dead letters in an incident: sendings that stop when their cause returns, letters that nobody wants to see any more,
-- and what the time of an attempt went into.

-- Sendings of dead letters.
CREATE TABLE fleet.replays (
    id             uuid PRIMARY KEY,
    state          text NOT NULL CHECK (state IN ('going', 'stopping', 'stopped')),
    at             timestamptz NOT NULL,
    asked_by       text NOT NULL,
    filter         jsonb NOT NULL,
    most           bigint,                                          -- a canary's segments
    per_minute     integer,
    request_key    text,                                            -- null once an equal request has taken its place
    next_due_at    timestamptz NOT NULL,                            -- of the next segment that it sends
    segments       bigint NOT NULL DEFAULT 0,                       -- sent
    withdrawn      bigint NOT NULL DEFAULT 0,                       -- of these, dead again without having been claimed
    stopped_at     timestamptz,
    stopped_by     uuid,                                            -- the segment that died of its old cause
    stopped_reason text
);
-- Two unfinished sendings never answer one request, whoever asks at the same moment.
CREATE UNIQUE INDEX replays_request ON fleet.replays (request_key) WHERE state = 'going';
CREATE INDEX replays_stopping ON fleet.replays (id) WHERE state = 'stopping';
CREATE INDEX replays_newest ON fleet.replays (at, id);

-- A segment that is sent again keeps reason, message, fingerprint and ended_at until it ends: with them it goes back if
-- its sending is stopped, and by them a cause is known again. claimed_at is null until it is claimed anew.
ALTER TABLE fleet.segments
    ADD COLUMN replay_id  uuid,                                     -- the last sending it was part of
    ADD COLUMN dropped_at timestamptz;                              -- a dead letter that is hidden
-- How a sending fares, and what of it can be withdrawn, next due first.
CREATE INDEX segments_replay ON fleet.segments (replay_id, state, id) WHERE replay_id IS NOT NULL;
-- Dead letters by time for lists and sendings, by cause for groups and counts.
DROP INDEX fleet.segments_dead;
CREATE INDEX segments_dead ON fleet.segments (ended_at, id) WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX segments_causes ON fleet.segments (fingerprint, ended_at, id) INCLUDE (reason, entity, connection_id)
    WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX segments_dropped ON fleet.segments (ended_at, id) WHERE state = 'dead' AND dropped_at IS NOT NULL;

-- What an attempt did before it ended; null where nobody can tell, as of one that was lost with its worker.
ALTER TABLE fleet.attempts
    ADD COLUMN worked_ms bigint,                                    -- without its waits for the gate
    ADD COLUMN gate_ms   bigint,                                    -- waited for the gate
    ADD COLUMN pages     integer;                                   -- stored
