-- What is to be submitted at an instant, once or again and again.
CREATE TABLE fleet.triggers (
    id         uuid        NOT NULL PRIMARY KEY,
    state      text        NOT NULL CHECK (state IN ('active', 'completed', 'cancelled')),
    cron       text,                                -- a cron expression; none: once
    zone       text        NOT NULL,                -- whose clock it is shown by, and read by where it recurs
    wanted     text        NOT NULL,                -- the command, as JSON
    due_at     timestamptz,                         -- the next instant; none where it is over
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX triggers_due_at ON fleet.triggers (due_at) WHERE state = 'active';

-- What became of a trigger at an instant. There is one of each: whoever would fire it a second time cannot write it.
CREATE TABLE fleet.trigger_firings (
    trigger_id uuid        NOT NULL REFERENCES fleet.triggers (id),
    planned_at timestamptz NOT NULL,
    fired_at   timestamptz NOT NULL DEFAULT now(),
    result     text        NOT NULL CHECK (result IN ('fired', 'late', 'failed')),
    missed     bigint      NOT NULL,                -- later instants that were over by then, too, and are not made up for
    runs       text        NOT NULL,                -- ids, as JSON
    message    text,                                -- why it failed
    PRIMARY KEY (trigger_id, planned_at)
);
CREATE INDEX trigger_firings_fired_at ON fleet.trigger_firings (fired_at);
