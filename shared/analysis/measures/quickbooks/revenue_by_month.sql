-- measure revenue_by_month
-- What was sold, by the month of the documents' dates, in the home currency: invoices and sales receipts less credit memos
-- and refund receipts, each with its discount taken off and without tax. Quotes and orders are not sales; what is paid and
-- when does not count (accrual). A document in another currency counts at its own rate.
-- column month: the month's first day; none for documents whose date cannot be read
-- column sales: invoices and sales receipts
-- column credits: credit memos and refund receipts
-- column revenue: sales less credits
-- column documents: how many there are
SELECT {connection}month,
    {sum CASE WHEN is_sale THEN net ELSE 0 END} AS sales,
    {sum CASE WHEN is_sale THEN 0 ELSE net END} AS credits,
    {sum CASE WHEN is_sale THEN net ELSE -net END} AS revenue,
    count(*) AS documents
FROM (
    SELECT {connection}{month transaction_date} AS month, kind IN ('invoice', 'sales_receipt') AS is_sale,
        home_total_amount - coalesce(home_total_tax, 0) AS net
    FROM {table document}
    WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt') {once}
) AS d
GROUP BY {connection}month
