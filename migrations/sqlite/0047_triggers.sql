-- What is to be submitted at an instant, once or again and again.
CREATE TABLE fleet_triggers (
    id         TEXT NOT NULL PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('active', 'completed', 'cancelled')),
    cron       TEXT,                                -- a cron expression; none: once
    zone       TEXT NOT NULL,                       -- whose clock it is shown by, and read by where it recurs
    wanted     TEXT NOT NULL,                       -- the command, as JSON
    due_at     TEXT,                                -- the next instant; none where it is over
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    ended_at   TEXT
) WITHOUT ROWID;
CREATE INDEX fleet_triggers_due_at ON fleet_triggers (due_at) WHERE state = 'active';

-- What became of a trigger at an instant. There is one of each: whoever would fire it a second time cannot write it.
CREATE TABLE fleet_trigger_firings (
    trigger_id TEXT    NOT NULL REFERENCES fleet_triggers (id),
    planned_at TEXT    NOT NULL,
    fired_at   TEXT    NOT NULL,
    result     TEXT    NOT NULL CHECK (result IN ('fired', 'late', 'failed')),
    missed     INTEGER NOT NULL,                    -- later instants that were over by then, too, and are not made up for
    runs       TEXT    NOT NULL,                    -- ids, as JSON
    message    TEXT,                                -- why it failed
    PRIMARY KEY (trigger_id, planned_at)
) WITHOUT ROWID;
CREATE INDEX fleet_trigger_firings_fired_at ON fleet_trigger_firings (fired_at);
