-- Brakes: what fails for everybody is tried by one, once a while, and everybody else waits. The scope is
-- `connection:ID`, `upstream:CONNECTOR:ENVIRONMENT` or `table:NAME`.
CREATE TABLE fleet_brakes (
    scope         TEXT NOT NULL PRIMARY KEY,
    since         TEXT NOT NULL,                             -- the first failure since the last success
    last_at       TEXT NOT NULL,
    failures      INTEGER NOT NULL,
    witnesses     TEXT NOT NULL,                                    -- who failed, as a JSON list
    next_probe_at TEXT,                                      -- null while it is open
    reason        TEXT NOT NULL,
    message       TEXT NOT NULL
);
