-- Which master key the secrets of this ledger are sealed with, by its id: one row, written by the first process that starts.
CREATE TABLE fleet.master_key (
    only_row boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    key_id   text        NOT NULL,
    since    timestamptz NOT NULL DEFAULT now()
);

-- What is sealed already names its key: `lfs1.<id>.<text>`.
INSERT INTO fleet.master_key (key_id, since)
SELECT split_part(sealed, '.', 2), stored_at FROM fleet.credentials WHERE sealed LIKE 'lfs1.%' ORDER BY stored_at LIMIT 1;
