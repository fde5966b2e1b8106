-- Records that the upstream serves and that cannot be stored as they are. The rest of their page is stored; they wait
-- here until a good version of them comes.
CREATE TABLE fleet.quarantine (
    connection_id uuid NOT NULL REFERENCES fleet.connections (id),
    entity        text COLLATE "C" NOT NULL,                        -- the product's name: invoice
    id            text COLLATE "C" NOT NULL,
    segment_id    uuid NOT NULL,                                    -- that saw it last
    observed_at   timestamptz NOT NULL,                             -- just before the request that brought it
    reason        text NOT NULL,
    length        bigint NOT NULL,                                  -- bytes of the text as served
    original      bytea NOT NULL,                                   -- the first 8 MiB of it
    PRIMARY KEY (connection_id, entity, id)
);

-- Of the window's rows, those in quarantine. Written once, when the segment is done.
ALTER TABLE fleet.segments ADD COLUMN quarantined bigint NOT NULL DEFAULT 0;
CREATE INDEX segments_quarantined ON fleet.segments (run_id) WHERE quarantined > 0;
