-- Records that the upstream serves and that cannot be stored as they are. The rest of their page is stored; they wait
-- here until a good version of them comes.
CREATE TABLE fleet_quarantine (
    connection_id TEXT NOT NULL REFERENCES fleet_connections (id),
    entity        TEXT NOT NULL,        -- the product's name: invoice
    id            TEXT NOT NULL,
    segment_id    TEXT NOT NULL,        -- that saw it last
    observed_at   TEXT NOT NULL,        -- just before the request that brought it
    reason        TEXT NOT NULL,
    length        INTEGER NOT NULL,     -- bytes of the text as served
    original      BLOB NOT NULL,        -- the first 8 MiB of it
    PRIMARY KEY (connection_id, entity, id)
);

-- Of the window's rows, those in quarantine. Written once, when the segment is done.
ALTER TABLE fleet_segments ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fleet_segments_quarantined ON fleet_segments (run_id, quarantined) WHERE quarantined > 0;
