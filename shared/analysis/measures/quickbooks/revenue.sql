-- measure revenue
-- What adds up to revenue, in the home currency: a row for each invoice and sales receipt, and with a minus for each credit memo
-- and refund receipt, with its discount taken off and without tax; and a row that takes off again each line of them
-- whose account (the line's, else the income account of its item) is known and is no account of revenue: what is paid ahead,
-- such as a retainer or a gift card, is owed until the sale that it is used for. Quotes and orders are not sales; what is
-- paid and when does not count (accrual). A document in another currency counts at its own rate.
-- column kind: the table the document is from
-- column document_id: the document
-- column transaction_date: the day it counts for
-- column customer_id: the customer; a job is one of its own
-- column documents: 1 for the document itself, 0 for a line that is taken off again
-- column amount_at_home: what it adds; less than 0 where it takes off
SELECT {connection}kind, id AS document_id, transaction_date, customer_id, 1 AS documents,
    CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END
        * (home_total_amount - CASE WHEN total_tax IS NULL THEN 0 ELSE home_total_tax END) AS amount_at_home
FROM {table document}
WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt')
UNION ALL
SELECT {connection}kind, document_id, transaction_date, customer_id, 0, -amount_at_home
FROM {table sold_line}
WHERE ({connection}account_id) IN (SELECT {connection}id FROM {table account_history} WHERE classification <> 'Revenue')
