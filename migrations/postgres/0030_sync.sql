-- What a segment asks for (model: work.rs). What its window does not say stands in `work`, as JSON text. Whoever knows no
-- kinds writes windows of days, and claims nothing else: other work has a later format.
ALTER TABLE fleet.segments
    ADD COLUMN kind text NOT NULL DEFAULT 'window',
    ADD COLUMN work text,
    ADD COLUMN answered_at timestamptz;     -- the upstream's own time in the first answer of the segment

-- Whether an entity of a company is in sync: what has changed before the checkpoint, by the upstream's clock, is stored.
CREATE TABLE fleet.sync_states (
    connection_id uuid NOT NULL REFERENCES fleet.connections (id),
    entity        text COLLATE "C" NOT NULL,
    checkpoint    timestamptz,              -- null until all of it was read once, or where the upstream tells no time
    attempted_at  timestamptz NOT NULL,
    succeeded_at  timestamptz,
    failures      integer NOT NULL DEFAULT 0,   -- attempts in a row
    cause         text,                     -- a reason of an attempt's end
    message       text,
    untold_at     timestamptz,             -- when the upstream last refused to tell its changes
    PRIMARY KEY (connection_id, entity)
) WITH (fillfactor = 50);

-- When a company is due. Companies without a row are synced when somebody asks for it, and have one from then on.
CREATE TABLE fleet.sync_schedules (
    connection_id uuid PRIMARY KEY REFERENCES fleet.connections (id),
    every_s       integer,                  -- null: as configured; 0: off
    due_at        timestamptz NOT NULL,
    recounted_at  timestamptz,
    reread_at     timestamptz
) WITH (fillfactor = 50);
CREATE INDEX sync_schedules_due ON fleet.sync_schedules (due_at);
