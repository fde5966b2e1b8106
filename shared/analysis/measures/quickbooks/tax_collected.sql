-- measure tax_collected
-- The tax on sales, by the month of the documents' dates and the rate, in the home currency: the tax lines of invoices and sales
-- receipts less those of credit memos and refund receipts. Whether it was paid to the agency does not count.
-- column month: the month's first day; none for documents whose date cannot be read
-- column tax_rate_id: the rate
-- column tax_rate: its name
-- column agency: to whom it is paid
-- column taxable: what it was charged on
-- column tax: the tax
SELECT {of t}t.month, t.tax_rate_id, r.name AS tax_rate, a.display_name AS agency, {sum t.sign * t.taxable} AS taxable,
    {sum t.sign * t.home_amount} AS tax
FROM (
    SELECT {connection}{month transaction_date} AS month, tax_rate_id, home_amount, home_net_amount_taxable AS taxable,
        CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END AS sign
    FROM {table document_tax_line}
    WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt') {once}
) AS t
LEFT JOIN {table tax_rate_history} AS r ON {same r t}r.id = t.tax_rate_id
LEFT JOIN {table tax_agency_history} AS a ON {same a r}a.id = r.tax_agency_id
GROUP BY {of t}t.month, t.tax_rate_id, r.name, a.display_name
