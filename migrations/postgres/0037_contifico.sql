-- A partition for every resource of Contífico, made first and attached then, and its two views for people.
DO $$
DECLARE
    entity text;
BEGIN
    FOREACH entity IN ARRAY ARRAY[
        'bank_accounts', 'bank_movements', 'brands', 'categories', 'chart_of_accounts',
        'cost_centers', 'documents', 'inventory_movements', 'journal_entries', 'persons',
        'products', 'purchases', 'registry_transactions', 'remission_guides', 'sales',
        'variants', 'warehouses'
    ] LOOP
        EXECUTE format(
            'CREATE TABLE raw.%I (LIKE raw.records INCLUDING ALL, CHECK (entity = %L))', 'contifico_' || entity, 'contifico_' || entity);
        EXECUTE format(
            'ALTER TABLE raw.records ATTACH PARTITION raw.%I FOR VALUES IN (%L)', 'contifico_' || entity, 'contifico_' || entity);
        EXECUTE format(
            'CREATE VIEW books.%I AS
             SELECT c.name AS connection, r.* FROM raw.%I r JOIN fleet.connections c ON c.id = r.connection_id
             WHERE r.deleted_at_utc IS NULL AND c.state <> ''removed''',
            'contifico_' || entity, 'contifico_' || entity);
        EXECUTE format(
            'CREATE VIEW books.%I AS
             SELECT c.name AS connection, c.state AS connection_state, r.*
             FROM raw.%I r JOIN fleet.connections c ON c.id = r.connection_id',
            'contifico_' || entity || '_history', 'contifico_' || entity);
    END LOOP;
END $$;

-- As in 0001, for the new ones.
ALTER TABLE raw.records
    ALTER COLUMN connection_id SET STATISTICS 0,
    ALTER COLUMN payload SET STATISTICS 0,
    ALTER COLUMN payload_hash SET STATISTICS 0,
    ALTER COLUMN request_payload SET STATISTICS 0,
    ALTER COLUMN original SET STATISTICS 0;
