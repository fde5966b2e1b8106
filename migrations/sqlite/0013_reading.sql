-- Where the reading of a window goes on, as its connector writes it; empty is the window's beginning.
ALTER TABLE fleet_segments ADD COLUMN position TEXT NOT NULL DEFAULT '';

-- Whether nothing but the upstream's silence says that all of a window was read.
ALTER TABLE fleet_coverage ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;

-- What reading an entity of a company has taught about its upstream: the largest page that was not cut, and words of
-- its language that it refuses.
CREATE TABLE fleet_learned (
    connection_id TEXT NOT NULL REFERENCES fleet_connections (id),
    entity        TEXT NOT NULL,
    fact          TEXT NOT NULL,
    value         INTEGER NOT NULL,
    learned_at    TEXT NOT NULL,
    PRIMARY KEY (connection_id, entity, fact)
) WITHOUT ROWID;
