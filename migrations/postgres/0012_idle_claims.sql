-- Claims since the last committed page, counted failure, counted wait or counted crash: a segment that is claimed again
-- and again and of which nothing comes ends dead as `no_progress`. A constant default is added without a rewrite of the
-- table, however large it is.
ALTER TABLE fleet.segments ADD COLUMN idle_claims integer NOT NULL DEFAULT 0;
