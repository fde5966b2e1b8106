-- Master keys that were replaced: what a process seals with one of them is not stored any more, because after a rotation
-- nobody seals it anew.
CREATE TABLE fleet.former_keys (
    key_id      text        NOT NULL PRIMARY KEY,
    replaced_at timestamptz NOT NULL DEFAULT now()
);
