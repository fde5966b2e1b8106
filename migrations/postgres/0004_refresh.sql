-- A credential is exchanged by one process at a time: which one does it, and how long that may last.
ALTER TABLE fleet.credentials
    ADD COLUMN intent_worker text,
    ADD COLUMN intent_until  timestamptz,
    ADD CHECK ((intent_worker IS NULL) = (intent_until IS NULL));

-- What became of every exchange. Never a token, nor anything made of one.
CREATE TABLE fleet.refreshes (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id  uuid        NOT NULL REFERENCES fleet.connections (id),
    version        bigint      NOT NULL,                            -- of the credential that was exchanged
    at             timestamptz NOT NULL,
    worker         text        NOT NULL,
    outcome        text        NOT NULL CHECK (outcome IN ('granted', 'rotated', 'refused', 'wrong_keys', 'lost',
                                                           'failed', 'abandoned', 'recovered', 'superseded')),
    transaction_id text                                             -- the upstream's, where it is known
);
CREATE INDEX refreshes_connection ON fleet.refreshes (connection_id, id);
