-- What of a run has failed and is tried again, for whoever watches it: few segments at any time, and often asked for.
CREATE INDEX fleet_segments_failing ON fleet_segments (run_id, due_at) WHERE state = 'pending' AND failures > 0;
