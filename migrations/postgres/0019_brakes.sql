-- Brakes: what fails for everybody is tried by one, once a while, and everybody else waits. The scope is
-- `connection:ID`, `upstream:CONNECTOR:ENVIRONMENT` or `table:NAME`.
CREATE TABLE fleet.brakes (
    scope         text COLLATE "C" PRIMARY KEY,
    since         timestamptz NOT NULL,                             -- the first failure since the last success
    last_at       timestamptz NOT NULL,
    failures      integer NOT NULL,
    witnesses     text NOT NULL,                                    -- who failed, as a JSON list
    next_probe_at timestamptz,                                      -- null while it is open
    reason        text NOT NULL,
    message       text NOT NULL
);
