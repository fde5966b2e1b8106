-- Copies of the tables for people, with rows: who queries often reads these. What was copied, and as of when.
CREATE TABLE fleet.typed_models (
    connection_id uuid PRIMARY KEY REFERENCES fleet.connections (id),
    schema_name   text NOT NULL UNIQUE,
    fingerprint   text NOT NULL,                    -- of the statements that made the tables
    views         text[] NOT NULL,                  -- what is this program's in the schema; the rest is somebody else's
    tables        text[] NOT NULL,
    origin        text NOT NULL,                    -- of which database: transactions are numbered in each anew
    horizon       text NOT NULL,                    -- every transaction before this one is in the copies
    refreshed_at  timestamptz NOT NULL
);
