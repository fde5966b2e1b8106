-- Master keys that were replaced: what a process seals with one of them is not stored any more, because after a rotation
-- nobody seals it anew.
CREATE TABLE fleet_former_keys (
    key_id      TEXT NOT NULL PRIMARY KEY,
    replaced_at TEXT NOT NULL
) WITHOUT ROWID;
