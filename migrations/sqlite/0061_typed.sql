-- Copies of the tables for people, with rows: who queries often reads these. Of which connections there are some.
CREATE TABLE fleet_typed_models (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES fleet_connections (id),
    refreshed_at  TEXT NOT NULL
);
-- What was made for them, by this program.
CREATE TABLE fleet_typed_relations (
    name        TEXT NOT NULL PRIMARY KEY,
    type        TEXT NOT NULL,                      -- as sqlite_master has it: table, view
    fingerprint TEXT NOT NULL                       -- of the statements that made all of them
);
-- Records that have changed since the copies were refreshed, of connections that have copies: no clock has a say in it.
CREATE TABLE fleet_typed_changes (
    connection_id TEXT NOT NULL,
    entity        TEXT NOT NULL,
    id            TEXT NOT NULL,
    PRIMARY KEY (connection_id, entity, id)
) WITHOUT ROWID;
CREATE TRIGGER raw_records_inserted AFTER INSERT ON raw_records
WHEN EXISTS (SELECT 1 FROM fleet_typed_models WHERE connection_id = new.connection_id)
BEGIN
    INSERT INTO fleet_typed_changes (connection_id, entity, id) VALUES (new.connection_id, new.entity, new.id)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER raw_records_updated AFTER UPDATE OF payload, ingested_at_utc, deleted_at_utc ON raw_records
WHEN EXISTS (SELECT 1 FROM fleet_typed_models WHERE connection_id = new.connection_id)
BEGIN
    INSERT INTO fleet_typed_changes (connection_id, entity, id) VALUES (new.connection_id, new.entity, new.id)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER raw_records_deleted AFTER DELETE ON raw_records
WHEN EXISTS (SELECT 1 FROM fleet_typed_models WHERE connection_id = old.connection_id)
BEGIN
    INSERT INTO fleet_typed_changes (connection_id, entity, id) VALUES (old.connection_id, old.entity, old.id)
    ON CONFLICT DO NOTHING;
END;
