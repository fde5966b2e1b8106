-- What people ask, in a schema of its own: of every entity a view of the live rows of connected companies, with the company's
-- name, and one of the whole history: deleted rows and removed companies, too. A company that was removed may have been
-- connected again under another name; its rows follow it.
CREATE SCHEMA IF NOT EXISTS books;
DO $$
DECLARE
    entity text;
BEGIN
    FOREACH entity IN ARRAY ARRAY[
        'account', 'attachable', 'bill', 'bill_payment', 'budget', 'class', 'company_currency',
        'company_info', 'credit_card_payment', 'credit_memo', 'customer', 'customer_type', 'department',
        'deposit', 'employee', 'estimate', 'exchange_rate', 'inventory_adjustment', 'invoice', 'item',
        'journal_code', 'journal_entry', 'payment', 'payment_method', 'preferences', 'purchase',
        'purchase_order', 'recurring_transaction', 'refund_receipt', 'reimburse_charge', 'sales_receipt',
        'tax_agency', 'tax_code', 'tax_rate', 'term', 'time_activity', 'transfer', 'vendor', 'vendor_credit'
    ] LOOP
        EXECUTE format(
            'CREATE VIEW books.%I AS
             SELECT c.name AS connection, r.* FROM raw.%I r JOIN fleet.connections c ON c.id = r.connection_id
             WHERE r.deleted_at_utc IS NULL AND c.state <> ''removed''',
            'qbo_' || entity, 'qbo_' || entity);
        EXECUTE format(
            'CREATE VIEW books.%I AS
             SELECT c.name AS connection, c.state AS connection_state, r.*
             FROM raw.%I r JOIN fleet.connections c ON c.id = r.connection_id',
            'qbo_' || entity || '_history', 'qbo_' || entity);
    END LOOP;
END $$;
