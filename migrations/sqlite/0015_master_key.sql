-- Which master key the secrets of this ledger are sealed with, by its id: one row, written by the first process that starts.
CREATE TABLE fleet_master_key (
    only_row INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    key_id   TEXT    NOT NULL,
    since    TEXT    NOT NULL
);

-- What is sealed already names its key: `lfs1.<id>.<text>`.
INSERT INTO fleet_master_key (key_id, since)
SELECT substr(sealed, 6, 8), stored_at FROM fleet_credentials WHERE sealed LIKE 'lfs1.%' ORDER BY stored_at LIMIT 1;
