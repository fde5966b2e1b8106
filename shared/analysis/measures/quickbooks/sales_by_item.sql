-- measure sales_by_item
-- What was sold of each item over all that is stored: the rows of the measure sold_line, whose definition says what counts. What
-- is paid ahead is among them: an item of a retainer or a gift card is sold, too.
-- column item_id: the item; none for lines without one
-- column item: its name
-- column item_type: Service, Inventory, NonInventory; Group for a bundle whose lines the source does not list
-- column quantity: pieces or hours, those taken back subtracted
-- column amount_at_home: in the home currency
-- column lines: how many there are
SELECT {of l}l.item_id, i.name AS item, i.type AS item_type, sum(l.quantity) AS quantity,
    {sum l.amount_at_home} AS amount_at_home, count(*) AS lines
FROM {table sold_line} AS l
LEFT JOIN {table item_history} AS i ON {same i l}i.id = l.item_id
GROUP BY {of l}l.item_id, i.name, i.type
