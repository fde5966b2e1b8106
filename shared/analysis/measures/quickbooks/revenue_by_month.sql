-- measure revenue_by_month
-- What was sold, by the month of the documents' dates, in the home currency, without discounts and tax and without what is not
-- revenue yet: what the measure revenue adds up to, whose definition says what counts.
-- column month: the month's first day; none for documents whose date cannot be read
-- column sales: invoices and sales receipts
-- column credits: credit memos and refund receipts
-- column revenue: sales less credits
-- column documents: how many there are
SELECT {connection}month,
    {sum CASE WHEN is_sale THEN amount_at_home ELSE 0 END} AS sales,
    {sum CASE WHEN is_sale THEN 0 ELSE -amount_at_home END} AS credits,
    {sum amount_at_home} AS revenue,
    sum(documents) AS documents
FROM (
    SELECT {connection}{month transaction_date} AS month, kind IN ('invoice', 'sales_receipt') AS is_sale, amount_at_home, documents
    FROM {table revenue} {once}
) AS d
GROUP BY {connection}month
