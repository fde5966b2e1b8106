-- measure payables_by_age
-- What is owed to vendors today, by vendor and currency, and for how long it has been due: the open balances of bills, and
-- apart from them the vendors' credits that are not used yet. Amounts are in the currency named; open_at_home is in the
-- home currency, at the rates of the documents. What stands on accounts of payables by journal entries, deposits or
-- expenses is not in, nor are payments to vendors that pay no bill; opening balances are only as the bills that the source makes
-- of them.
-- column as_of: the day that counts as today: in Postgres that of the company's zone, in a file that of UTC
-- column vendor_id: the vendor
-- column vendor: its name
-- column currency_id: the currency of the amounts
-- column not_due: due on that day or later
-- column days_1_to_30: due for so long
-- column days_31_to_60: due for so long
-- column days_61_to_90: due for so long
-- column days_over_90: due for longer
-- column unused_credit: vendors' credits that are not used
-- column open_amount: what is open of bills less unused credit
-- column open_at_home: the same in the home currency
SELECT {of o}{today} AS as_of, o.vendor_id, v.display_name AS vendor, o.currency_id,
    {sum CASE WHEN o.age <= 0 THEN o.owed ELSE 0 END} AS not_due,
    {sum CASE WHEN o.age BETWEEN 1 AND 30 THEN o.owed ELSE 0 END} AS days_1_to_30,
    {sum CASE WHEN o.age BETWEEN 31 AND 60 THEN o.owed ELSE 0 END} AS days_31_to_60,
    {sum CASE WHEN o.age BETWEEN 61 AND 90 THEN o.owed ELSE 0 END} AS days_61_to_90,
    {sum CASE WHEN o.age > 90 THEN o.owed ELSE 0 END} AS days_over_90,
    {sum o.unused} AS unused_credit,
    {sum o.owed - o.unused} AS open_amount,
    {sum o.at_home} AS open_at_home
FROM (
    SELECT {connection}vendor_id, currency_id, coalesce({age coalesce(due_date, transaction_date)}, 0) AS age,
        balance AS owed, 0 AS unused, coalesce(home_balance, {home balance, home_rate}) AS at_home
    FROM {table bill} WHERE balance <> 0
    UNION ALL
    SELECT {connection}vendor_id, currency_id, 0, 0, balance, -{home balance, home_rate}
    FROM {table vendor_credit} WHERE balance <> 0 {once}
) AS o
LEFT JOIN {table vendor_history} AS v ON {same v o}v.id = o.vendor_id
GROUP BY {of o}o.vendor_id, v.display_name, o.currency_id
