-- What an upstream has sent when something had changed: hints of which record is worth a look. Each is stored before it is
-- acknowledged, and forgotten after a week.
CREATE TABLE fleet_webhook_events (
    key           TEXT    NOT NULL PRIMARY KEY,      -- the same for the same event, however often it is sent
    connector     TEXT    NOT NULL,
    account       TEXT,                              -- the upstream's id of the company, where it is told
    connection_id TEXT,                              -- the company, where there is one
    entity        TEXT,
    record        TEXT,
    gone          INTEGER NOT NULL,                  -- whether the record is said to be gone
    kind          TEXT    NOT NULL,                  -- what the event says of itself
    happened_at   TEXT,
    received_at   TEXT    NOT NULL,
    due_at        TEXT    NOT NULL,                  -- when it is worth a look
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'planned', 'unknown_company', 'unknown_kind', 'unreadable')),
    looks         INTEGER NOT NULL DEFAULT 0,        -- how often the record was looked for and not there yet
    run_id        TEXT,                              -- the run that looks, or did
    sample        TEXT,                              -- the beginning of what cannot be read
    former_token  INTEGER NOT NULL                   -- whether it was signed with the former token
) WITHOUT ROWID;
CREATE INDEX fleet_webhook_events_due_at ON fleet_webhook_events (due_at) WHERE state = 'pending';
CREATE INDEX fleet_webhook_events_received_at ON fleet_webhook_events (received_at);
CREATE INDEX fleet_webhook_events_run_id ON fleet_webhook_events (run_id) WHERE run_id IS NOT NULL;
