-- measure top_customers
-- Revenue by customer over all that is stored, the largest first: what the measure revenue adds up to, in the home currency.
-- column place: 1 is the largest
-- column customer_id: the customer; a job counts for itself, not for the customer above it
-- column customer: its name
-- column revenue: in the home currency, without tax
-- column documents: how many there are, credits among them
-- column last_sale: the day of the last invoice or sales receipt
SELECT {of d}rank() OVER ({apart d}ORDER BY d.revenue DESC) AS place, d.customer_id, c.display_name AS customer, d.revenue,
    d.documents, d.last_sale
FROM (
    SELECT {connection}customer_id, sum(documents) AS documents, {sum amount_at_home} AS revenue,
        max(CASE WHEN kind IN ('invoice', 'sales_receipt') THEN transaction_date END) AS last_sale
    FROM {table revenue}
    GROUP BY {connection}customer_id
) AS d
LEFT JOIN {table customer_history} AS c ON {same c d}c.id = d.customer_id
