-- Which process does the leader's duties: one row.
CREATE TABLE fleet.leader (
    only_row boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    holder   text        NOT NULL,
    term     bigint      NOT NULL,
    until    timestamptz NOT NULL
);
