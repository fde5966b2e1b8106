-- measure top_customers
-- Revenue by customer over all that is stored, the largest first: what revenue_by_month counts, in the home currency.
-- column place: 1 is the largest
-- column customer_id: the customer; a job counts for itself, not for the customer above it
-- column customer: its name
-- column revenue: in the home currency, without tax
-- column documents: how many there are
-- column last_sale: the day of the last one
SELECT {of d}rank() OVER ({apart d}ORDER BY d.revenue DESC) AS place, d.customer_id, c.display_name AS customer, d.revenue,
    d.documents, d.last_sale
FROM (
    SELECT {connection}customer_id, count(*) AS documents, max(transaction_date) AS last_sale,
        {sum CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END * (home_total_amount - coalesce(home_total_tax, 0))}
            AS revenue
    FROM {table document}
    WHERE kind IN ('invoice', 'sales_receipt', 'credit_memo', 'refund_receipt')
    GROUP BY {connection}customer_id
) AS d
LEFT JOIN {table customer} AS c ON {same c d}c.id = d.customer_id
