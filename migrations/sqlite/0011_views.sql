-- What people ask: of every entity a view of the live rows of connected companies, with the company's name, and one of the
-- whole history: deleted rows and removed companies, too. A company that was removed may have been connected again
-- under another name; its rows follow it.

DROP VIEW qbo_account;
CREATE VIEW qbo_account AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_account' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_account_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_account';

DROP VIEW qbo_attachable;
CREATE VIEW qbo_attachable AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_attachable' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_attachable_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_attachable';

DROP VIEW qbo_bill;
CREATE VIEW qbo_bill AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_bill' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_bill_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_bill';

DROP VIEW qbo_bill_payment;
CREATE VIEW qbo_bill_payment AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_bill_payment' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_bill_payment_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_bill_payment';

DROP VIEW qbo_budget;
CREATE VIEW qbo_budget AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_budget' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_budget_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_budget';

DROP VIEW qbo_class;
CREATE VIEW qbo_class AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_class' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_class_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_class';

DROP VIEW qbo_company_currency;
CREATE VIEW qbo_company_currency AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_company_currency' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_company_currency_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_company_currency';

DROP VIEW qbo_company_info;
CREATE VIEW qbo_company_info AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_company_info' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_company_info_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_company_info';

DROP VIEW qbo_credit_card_payment;
CREATE VIEW qbo_credit_card_payment AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_credit_card_payment' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_credit_card_payment_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_credit_card_payment';

DROP VIEW qbo_credit_memo;
CREATE VIEW qbo_credit_memo AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_credit_memo' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_credit_memo_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_credit_memo';

DROP VIEW qbo_customer;
CREATE VIEW qbo_customer AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_customer' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_customer_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_customer';

DROP VIEW qbo_customer_type;
CREATE VIEW qbo_customer_type AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_customer_type' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_customer_type_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_customer_type';

DROP VIEW qbo_department;
CREATE VIEW qbo_department AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_department' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_department_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_department';

DROP VIEW qbo_deposit;
CREATE VIEW qbo_deposit AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_deposit' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_deposit_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_deposit';

DROP VIEW qbo_employee;
CREATE VIEW qbo_employee AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_employee' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_employee_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_employee';

DROP VIEW qbo_estimate;
CREATE VIEW qbo_estimate AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_estimate' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_estimate_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_estimate';

DROP VIEW qbo_exchange_rate;
CREATE VIEW qbo_exchange_rate AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_exchange_rate' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_exchange_rate_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_exchange_rate';

DROP VIEW qbo_inventory_adjustment;
CREATE VIEW qbo_inventory_adjustment AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_inventory_adjustment' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_inventory_adjustment_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_inventory_adjustment';

DROP VIEW qbo_invoice;
CREATE VIEW qbo_invoice AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_invoice' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_invoice_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_invoice';

DROP VIEW qbo_item;
CREATE VIEW qbo_item AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_item' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_item_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_item';

DROP VIEW qbo_journal_code;
CREATE VIEW qbo_journal_code AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_journal_code' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_journal_code_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_journal_code';

DROP VIEW qbo_journal_entry;
CREATE VIEW qbo_journal_entry AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_journal_entry' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_journal_entry_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_journal_entry';

DROP VIEW qbo_payment;
CREATE VIEW qbo_payment AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_payment' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_payment_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_payment';

DROP VIEW qbo_payment_method;
CREATE VIEW qbo_payment_method AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_payment_method' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_payment_method_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_payment_method';

DROP VIEW qbo_preferences;
CREATE VIEW qbo_preferences AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_preferences' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_preferences_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_preferences';

DROP VIEW qbo_purchase;
CREATE VIEW qbo_purchase AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_purchase' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_purchase_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_purchase';

DROP VIEW qbo_purchase_order;
CREATE VIEW qbo_purchase_order AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_purchase_order' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_purchase_order_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_purchase_order';

DROP VIEW qbo_recurring_transaction;
CREATE VIEW qbo_recurring_transaction AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_recurring_transaction' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_recurring_transaction_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_recurring_transaction';

DROP VIEW qbo_refund_receipt;
CREATE VIEW qbo_refund_receipt AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_refund_receipt' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_refund_receipt_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_refund_receipt';

DROP VIEW qbo_reimburse_charge;
CREATE VIEW qbo_reimburse_charge AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_reimburse_charge' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_reimburse_charge_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_reimburse_charge';

DROP VIEW qbo_sales_receipt;
CREATE VIEW qbo_sales_receipt AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_sales_receipt' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_sales_receipt_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_sales_receipt';

DROP VIEW qbo_tax_agency;
CREATE VIEW qbo_tax_agency AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_agency' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_tax_agency_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_agency';

DROP VIEW qbo_tax_code;
CREATE VIEW qbo_tax_code AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_code' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_tax_code_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_code';

DROP VIEW qbo_tax_rate;
CREATE VIEW qbo_tax_rate AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_rate' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_tax_rate_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_tax_rate';

DROP VIEW qbo_term;
CREATE VIEW qbo_term AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_term' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_term_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_term';

DROP VIEW qbo_time_activity;
CREATE VIEW qbo_time_activity AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_time_activity' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_time_activity_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_time_activity';

DROP VIEW qbo_transfer;
CREATE VIEW qbo_transfer AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_transfer' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_transfer_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_transfer';

DROP VIEW qbo_vendor;
CREATE VIEW qbo_vendor AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_vendor' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_vendor_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_vendor';

DROP VIEW qbo_vendor_credit;
CREATE VIEW qbo_vendor_credit AS
    SELECT c.name AS connection, r.* FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_vendor_credit' AND r.deleted_at_utc IS NULL AND c.state <> 'removed';
CREATE VIEW qbo_vendor_credit_history AS
    SELECT c.name AS connection, c.state AS connection_state, r.*
    FROM fleet_connections c JOIN raw_records r ON r.connection_id = c.id
    WHERE r.entity = 'qbo_vendor_credit';
