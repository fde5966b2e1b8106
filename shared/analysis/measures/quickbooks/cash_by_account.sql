-- measure cash_by_account
-- What came into and went out of bank and card accounts, by month, in the home currency at the documents' rates: payments,
-- sales receipts, deposits, deposits on invoices, transfers and debits in; expenses, payments to vendors, refunds, transfers
-- and credits out. Both sides count: a line of a bill or an expense whose account is a bank or a card goes into it, one of a
-- deposit, a vendor credit or a sale comes out of it, and the other way round for a refund to a card and for what is taken
-- back. A charge to a card goes out of the card. Money that waits to be deposited is in no bank yet. Accounts that were
-- deleted are among them.
-- column month: the month's first day; none for documents whose date cannot be read
-- column account_id: the account
-- column account: its name
-- column account_type: Bank or Credit Card
-- column cash_in: what came in
-- column cash_out: what went out
-- column net: in less out
SELECT {of a}m.month, m.account_id, a.name AS account, a.account_type,
    {sum CASE WHEN m.amount > 0 THEN m.amount ELSE 0 END} AS cash_in,
    {sum CASE WHEN m.amount < 0 THEN -m.amount ELSE 0 END} AS cash_out,
    {sum m.amount} AS net
FROM (
    SELECT {connection}{month transaction_date} AS month, deposit_to_account_id AS account_id,
        {home total_amount, home_rate} AS amount FROM {table payment}
    UNION ALL
    SELECT {connection}{month transaction_date}, deposit_to_account_id, {home total_amount, home_rate} FROM {table sales_receipt}
    UNION ALL
    SELECT {connection}{month transaction_date}, deposit_to_account_id, -{home total_amount, home_rate} FROM {table refund_receipt}
    UNION ALL
    SELECT {connection}{month transaction_date}, account_id, {home total_amount, home_rate} FROM {table deposit}
    UNION ALL
    SELECT {connection}{month transaction_date}, cash_back_account_id, {home cash_back_amount, home_rate} FROM {table deposit}
    UNION ALL
    SELECT {connection}{month transaction_date}, account_id,
        CASE WHEN credit THEN {home total_amount, home_rate} ELSE -{home total_amount, home_rate} END FROM {table purchase}
    UNION ALL
    SELECT {connection}{month transaction_date}, coalesce(check_bank_account_id, credit_card_account_id),
        -{home total_amount, home_rate} FROM {table bill_payment}
    UNION ALL
    SELECT {connection}{month transaction_date}, from_account_id, -{home amount, home_rate} FROM {table transfer}
    UNION ALL
    SELECT {connection}{month transaction_date}, to_account_id, {home amount, home_rate} FROM {table transfer}
    UNION ALL
    SELECT {connection}{month transaction_date}, bank_account_id, -{home amount, home_rate} FROM {table credit_card_payment_txn}
    UNION ALL
    SELECT {connection}{month transaction_date}, credit_card_account_id, {home amount, home_rate}
    FROM {table credit_card_payment_txn}
    UNION ALL
    SELECT {connection}{month transaction_date}, deposit_to_account_id, {home deposit, home_rate} FROM {table invoice}
    UNION ALL
    SELECT {connection}{month transaction_date}, account_id,
        CASE WHEN kind IN ('deposit', 'vendor_credit') OR credit THEN -home_amount ELSE home_amount END
    FROM {table document_line} WHERE kind IN ('purchase', 'bill', 'deposit', 'vendor_credit')
    UNION ALL
    SELECT {connection}{month transaction_date}, account_id, -amount_at_home FROM {table sold_line}
    UNION ALL
    SELECT {connection}{month transaction_date}, account_id,
        CASE posting_type WHEN 'Debit' THEN home_amount WHEN 'Credit' THEN -home_amount END
    FROM {table document_line} WHERE kind = 'journal_entry' {once}
) AS m
JOIN {table account_history} AS a ON {same a m}a.id = m.account_id
WHERE a.account_type IN ('Bank', 'Credit Card')
GROUP BY {of a}m.month, m.account_id, a.name, a.account_type
