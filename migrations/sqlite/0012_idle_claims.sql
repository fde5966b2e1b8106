-- Claims since the last committed page, counted failure, counted wait or counted crash: a segment that is claimed again
-- and again and of which nothing comes ends dead as `no_progress`.
ALTER TABLE fleet_segments ADD COLUMN idle_claims INTEGER NOT NULL DEFAULT 0;
