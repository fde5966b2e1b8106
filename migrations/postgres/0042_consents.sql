-- Consents under way: a person was sent to an upstream's page, and comes back with the state that is known here by its
-- hash alone. Each is used once.
CREATE TABLE fleet.consents (
    state_hash   text        NOT NULL PRIMARY KEY,
    connector    text        NOT NULL,
    name         text        NOT NULL,
    environment  text        NOT NULL,
    time_zone    text        NOT NULL,
    redirect_url text        NOT NULL,
    began_at     timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    taken_at     timestamptz,
    outcome      text        CHECK (outcome IN ('connected', 'refused', 'failed')),
    told         text
);

-- Who may use the HTTP API. A key is known by the hash of its secret; the secret itself is nowhere.
CREATE TABLE fleet.api_keys (
    id           uuid        NOT NULL PRIMARY KEY,
    name         text        NOT NULL,
    hash         text        NOT NULL,
    scopes       text        NOT NULL,                              -- words with commas between
    connections  text,                                              -- ids with commas between; none: every company
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz                                        -- to the hour
);
CREATE UNIQUE INDEX api_keys_name ON fleet.api_keys (name) WHERE revoked_at IS NULL;

-- Requests of the HTTP API that may be repeated, and what was answered the first time.
CREATE TABLE fleet.http_answers (
    request_key  text        NOT NULL PRIMARY KEY,                  -- of caller, route and Idempotency-Key
    body_hash    text        NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    answer       text                                               -- JSON; none while the first is under way
);
CREATE INDEX http_answers_asked_at ON fleet.http_answers (asked_at);
