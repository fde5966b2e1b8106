-- Consents under way: a person was sent to an upstream's page, and comes back with the state that is known here by its
-- hash alone. Each is used once.
CREATE TABLE fleet_consents (
    state_hash   TEXT NOT NULL PRIMARY KEY,
    connector    TEXT NOT NULL,
    name         TEXT NOT NULL,
    environment  TEXT NOT NULL,
    time_zone    TEXT NOT NULL,
    redirect_url TEXT NOT NULL,
    began_at     TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    taken_at     TEXT,
    outcome      TEXT CHECK (outcome IN ('connected', 'refused', 'failed')),
    told         TEXT
) WITHOUT ROWID;

-- Who may use the HTTP API. A key is known by the hash of its secret; the secret itself is nowhere.
CREATE TABLE fleet_api_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    scopes       TEXT NOT NULL,                                     -- words with commas between
    connections  TEXT,                                              -- ids with commas between; none: every company
    created_at   TEXT NOT NULL,
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT                                               -- to the hour
) WITHOUT ROWID;
CREATE UNIQUE INDEX fleet_api_keys_name ON fleet_api_keys (name) WHERE revoked_at IS NULL;

-- Requests of the HTTP API that may be repeated, and what was answered the first time.
CREATE TABLE fleet_http_answers (
    request_key  TEXT NOT NULL PRIMARY KEY,                         -- of caller, route and Idempotency-Key
    body_hash    TEXT NOT NULL,
    asked_at     TEXT NOT NULL,
    answer       TEXT                                               -- JSON; none while the first is under way
) WITHOUT ROWID;
CREATE INDEX fleet_http_answers_asked_at ON fleet_http_answers (asked_at);
