-- measure sales_by_item
-- What was sold of each item over all that is stored: the lines of invoices and sales receipts less those of credit memos and
-- refund receipts, before the discounts of whole documents and without tax where prices are without. Lines that add up
-- others do not count; a bundle counts as itself.
-- column item_id: the item; none for lines without one
-- column item: its name
-- column item_type: Service, Inventory, NonInventory, Group
-- column quantity: pieces or hours, those taken back subtracted
-- column amount_at_home: in the home currency
-- column lines: how many there are
SELECT {of l}l.item_id, i.name AS item, i.type AS item_type, sum(l.sign * l.quantity) AS quantity,
    {sum l.sign * l.home_amount} AS amount_at_home, count(*) AS lines
FROM (
    SELECT {connection}item_id, quantity, home_amount, CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END AS sign
    FROM {table document_line}
    WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt')
      AND detail_type IN ('SalesItemLineDetail', 'GroupLineDetail') {once}
) AS l
LEFT JOIN {table item} AS i ON {same i l}i.id = l.item_id
GROUP BY {of l}l.item_id, i.name, i.type
