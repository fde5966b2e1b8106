-- A credential is exchanged by one process at a time: which one does it, and how long that may last.
ALTER TABLE fleet_credentials ADD COLUMN intent_worker TEXT;
ALTER TABLE fleet_credentials ADD COLUMN intent_until TEXT CHECK ((intent_worker IS NULL) = (intent_until IS NULL));

-- What became of every exchange. Never a token, nor anything made of one.
CREATE TABLE fleet_refreshes (
    id             INTEGER PRIMARY KEY,
    connection_id  TEXT    NOT NULL REFERENCES fleet_connections (id),
    version        INTEGER NOT NULL,                                -- of the credential that was exchanged
    at             TEXT    NOT NULL,
    worker         TEXT    NOT NULL,
    outcome        TEXT    NOT NULL CHECK (outcome IN ('granted', 'rotated', 'refused', 'wrong_keys', 'lost',
                                                       'failed', 'abandoned', 'recovered', 'superseded')),
    transaction_id TEXT                                             -- the upstream's, where it is known
);
CREATE INDEX fleet_refreshes_connection ON fleet_refreshes (connection_id, id);
