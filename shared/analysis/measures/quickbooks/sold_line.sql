-- measure sold_line
-- What was sold, line by line, in the home currency: the lines of items of invoices and sales receipts, and with a minus those of
-- credit memos and refund receipts, before the discounts of whole documents and without tax where prices are without. A bundle
-- counts as the lines it consists of, and as itself only where the source does not list them. Lines that add up others and
-- lines of words alone are not there.
-- column kind: the table the line's document is from
-- column document_id: the document
-- column transaction_date: the day it counts for
-- column customer_id: the customer
-- column item_id: the item; none for lines without one
-- column account_id: the line's account, else the income account of its item
-- column class_id: the line's own, else that of its document
-- column quantity: pieces or hours
-- column amount_at_home: in the home currency
SELECT {of l}l.kind, l.document_id, l.transaction_date, l.customer_id, l.item_id,
    coalesce(l.account_id, i.income_account_id) AS account_id, l.class_id, l.sign * l.quantity AS quantity,
    l.sign * l.home_amount AS amount_at_home
FROM (
    SELECT {of s}s.kind, s.document_id, s.transaction_date, s.customer_id, s.item_id, s.account_id, s.class_id, s.quantity,
        s.home_amount, CASE WHEN s.kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END AS sign
    FROM {table document_line} AS s
    LEFT JOIN (
        SELECT DISTINCT {connection}kind, document_id, line_index FROM {table document_bundle_line}
        WHERE detail_type = 'SalesItemLineDetail'
    ) AS b ON {same b s}b.kind = s.kind AND b.document_id = s.document_id AND b.line_index = s."index"
        AND s.detail_type = 'GroupLineDetail'
    WHERE s.kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt')
        AND s.detail_type IN ('SalesItemLineDetail', 'GroupLineDetail') AND b.kind IS NULL
    UNION ALL
    SELECT {connection}kind, document_id, transaction_date, customer_id, item_id, account_id, class_id, quantity, home_amount,
        CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END
    FROM {table document_bundle_line}
    WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt') AND detail_type = 'SalesItemLineDetail'
) AS l
LEFT JOIN {table item_history} AS i ON {same i l}i.id = l.item_id
