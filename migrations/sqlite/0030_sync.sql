-- What a segment asks for (model: work.rs). What its window does not say stands in `work`, as JSON text. Whoever knows no
-- kinds writes windows of days, and claims nothing else: other work has a later format.
ALTER TABLE fleet_segments ADD COLUMN kind TEXT NOT NULL DEFAULT 'window';
ALTER TABLE fleet_segments ADD COLUMN work TEXT;
-- The upstream's own time in the first answer of the segment.
ALTER TABLE fleet_segments ADD COLUMN answered_at TEXT;

-- Whether an entity of a company is in sync: what has changed before the checkpoint, by the upstream's clock, is stored.
CREATE TABLE fleet_sync_states (
    connection_id TEXT NOT NULL REFERENCES fleet_connections (id),
    entity        TEXT NOT NULL,
    checkpoint    TEXT,                         -- null until all of it was read once, or where the upstream tells no time
    attempted_at  TEXT NOT NULL,
    succeeded_at  TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,   -- attempts in a row
    cause         TEXT,                         -- a reason of an attempt's end
    message       TEXT,
    untold_at     TEXT,                    -- when the upstream last refused to tell its changes
    PRIMARY KEY (connection_id, entity)
) WITHOUT ROWID;

-- When a company is due. Companies without a row are synced when somebody asks for it, and have one from then on.
CREATE TABLE fleet_sync_schedules (
    connection_id TEXT PRIMARY KEY REFERENCES fleet_connections (id),
    every_s       INTEGER,                      -- null: as configured; 0: off
    due_at        TEXT NOT NULL,
    recounted_at  TEXT,
    reread_at     TEXT
) WITHOUT ROWID;
CREATE INDEX fleet_sync_schedules_due ON fleet_sync_schedules (due_at);
