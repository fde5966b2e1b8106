-- A million dead letters: lists, counts and groups read the table for those only that are shown. All that a filter may
-- name is in both indexes; segments that are not dead are in neither.
DROP INDEX fleet_segments_dead;
CREATE INDEX fleet_segments_dead
    ON fleet_segments (ended_at, id, reason, entity, connection_id, run_id, day_from, day_to, fingerprint)
    WHERE state = 'dead' AND dropped_at IS NULL;
DROP INDEX fleet_segments_causes;
CREATE INDEX fleet_segments_causes
    ON fleet_segments (fingerprint, ended_at, id, reason, entity, connection_id, run_id, day_from, day_to)
    WHERE state = 'dead' AND dropped_at IS NULL;

-- The replays of a run are found among segments that were sent again, without reading the run's others.
DROP INDEX fleet_segments_replay;
CREATE INDEX fleet_segments_replay ON fleet_segments (replay_id, state, id, run_id) WHERE replay_id IS NOT NULL;
