-- The two views for people of every resource of Contífico.

CREATE VIEW contifico_bank_accounts AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_bank_accounts' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_bank_accounts_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_bank_accounts';

CREATE VIEW contifico_bank_movements AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_bank_movements' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_bank_movements_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_bank_movements';

CREATE VIEW contifico_brands AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_brands' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_brands_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_brands';

CREATE VIEW contifico_categories AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_categories' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_categories_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_categories';

CREATE VIEW contifico_chart_of_accounts AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_chart_of_accounts' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_chart_of_accounts_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_chart_of_accounts';

CREATE VIEW contifico_cost_centers AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_cost_centers' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_cost_centers_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_cost_centers';

CREATE VIEW contifico_documents AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_documents' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_documents_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_documents';

CREATE VIEW contifico_inventory_movements AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_inventory_movements' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_inventory_movements_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_inventory_movements';

CREATE VIEW contifico_journal_entries AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_journal_entries' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_journal_entries_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_journal_entries';

CREATE VIEW contifico_persons AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_persons' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_persons_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_persons';

CREATE VIEW contifico_products AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_products' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_products_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_products';

CREATE VIEW contifico_purchases AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_purchases' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_purchases_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_purchases';

CREATE VIEW contifico_registry_transactions AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_registry_transactions' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_registry_transactions_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_registry_transactions';

CREATE VIEW contifico_remission_guides AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_remission_guides' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_remission_guides_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_remission_guides';

CREATE VIEW contifico_sales AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_sales' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_sales_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_sales';

CREATE VIEW contifico_variants AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_variants' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_variants_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_variants';

CREATE VIEW contifico_warehouses AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_warehouses' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW contifico_warehouses_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'contifico_warehouses';
