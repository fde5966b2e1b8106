-- A partition for every entity of QuickBooks that is not there yet: made first and attached then.
DO $$
DECLARE
    entity text;
BEGIN
    FOREACH entity IN ARRAY ARRAY[
        'account', 'attachable', 'bill', 'bill_payment', 'budget',
        'class', 'company_currency', 'company_info', 'credit_card_payment', 'credit_memo',
        'customer_type', 'department', 'deposit', 'employee', 'estimate',
        'exchange_rate', 'inventory_adjustment', 'journal_code', 'payment', 'payment_method',
        'preferences', 'purchase', 'purchase_order', 'recurring_transaction', 'refund_receipt',
        'reimburse_charge', 'sales_receipt', 'tax_agency', 'tax_code', 'tax_rate',
        'term', 'time_activity', 'transfer', 'vendor', 'vendor_credit'
    ] LOOP
        EXECUTE format(
            'CREATE TABLE raw.%I (LIKE raw.records INCLUDING ALL, CHECK (entity = %L))', 'qbo_' || entity, 'qbo_' || entity);
        EXECUTE format(
            'ALTER TABLE raw.records ATTACH PARTITION raw.%I FOR VALUES IN (%L)', 'qbo_' || entity, 'qbo_' || entity);
    END LOOP;
END $$;

-- As in 0001, for the new ones.
ALTER TABLE raw.records
    ALTER COLUMN connection_id SET STATISTICS 0,
    ALTER COLUMN payload SET STATISTICS 0,
    ALTER COLUMN payload_hash SET STATISTICS 0,
    ALTER COLUMN request_payload SET STATISTICS 0,
    ALTER COLUMN original SET STATISTICS 0;
