-- Every table has an identity: a publication of all tables (logical replication) refuses updates of one without, and
-- then no segment could end. The column is written into every row once: about two seconds for a million rows, in which
-- commits wait. Whoever holds the table for longer is not queued for, because everybody else would queue behind: then
-- nothing is changed, and `scheduler migrate` is run again.
SET LOCAL lock_timeout = '10s';
ALTER TABLE fleet.coverage ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;

-- A company is known by connector, environment and the upstream's id of it, whatever people call it. One is connected
-- once at a time; removed ones may be several, from before this was so.
ALTER TABLE fleet.connections
    -- The last version of the credential that went with a removal: the next one goes on from there, so that a token
    -- which still waits somewhere is not taken for a newer one.
    ADD COLUMN retired_version bigint NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX connections_company ON fleet.connections (connector, environment, account) WHERE state <> 'removed';
