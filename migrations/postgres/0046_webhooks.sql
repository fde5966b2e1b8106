-- What an upstream has sent when something had changed: hints of which record is worth a look. Each is stored before it is
-- acknowledged, and forgotten after a week.
CREATE TABLE fleet.webhook_events (
    key           text        NOT NULL PRIMARY KEY,  -- the same for the same event, however often it is sent
    connector     text        NOT NULL,
    account       text,                              -- the upstream's id of the company, where it is told
    connection_id uuid,                              -- the company, where there is one
    entity        text,
    record        text,
    gone          boolean     NOT NULL,              -- whether the record is said to be gone
    kind          text        NOT NULL,              -- what the event says of itself
    happened_at   timestamptz,
    received_at   timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NOT NULL,              -- when it is worth a look
    state         text        NOT NULL CHECK (state IN ('pending', 'planned', 'unknown_company', 'unknown_kind', 'unreadable')),
    looks         integer     NOT NULL DEFAULT 0,    -- how often the record was looked for and not there yet
    run_id        uuid,                              -- the run that looks, or did
    sample        text,                              -- the beginning of what cannot be read
    former_token  boolean     NOT NULL               -- whether it was signed with the former token
);
CREATE INDEX webhook_events_due_at ON fleet.webhook_events (due_at) WHERE state = 'pending';
CREATE INDEX webhook_events_received_at ON fleet.webhook_events (received_at);
CREATE INDEX webhook_events_run_id ON fleet.webhook_events (run_id) WHERE run_id IS NOT NULL;
