-- What of a run has failed and is tried again, for whoever watches it: few segments at any time, and often asked for.
CREATE INDEX segments_failing ON fleet.segments (run_id, due_at) WHERE state = 'pending' AND failures > 0;
