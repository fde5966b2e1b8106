-- Where the reading of a window goes on, as its connector writes it; empty is the window's beginning.
ALTER TABLE fleet.segments ADD COLUMN position text NOT NULL DEFAULT '';

-- Whether nothing but the upstream's silence says that all of a window was read.
ALTER TABLE fleet.coverage ADD COLUMN unproven boolean NOT NULL DEFAULT false;

-- What reading an entity of a company has taught about its upstream: the largest page that was not cut, and words of
-- its language that it refuses.
CREATE TABLE fleet.learned (
    connection_id uuid NOT NULL REFERENCES fleet.connections (id),
    entity        text NOT NULL,
    fact          text NOT NULL,
    value         bigint NOT NULL,
    learned_at    timestamptz NOT NULL,
    PRIMARY KEY (connection_id, entity, fact)
);
