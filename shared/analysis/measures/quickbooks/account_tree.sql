-- measure account_tree
-- The chart of accounts as a tree: every account with the way to it from the top. An account whose parent is not there stands at
-- the top itself.
-- column account_id: the account
-- column name: its own name
-- column depth: 0 at the top
-- column path: the names from the top on, parted by colons
-- column top_account_id: the account at the top of its branch
-- column account_type: such as Bank or Income
-- column classification: Asset, Liability, Equity, Revenue or Expense
-- column active: false: given up
-- column balance: as the source says, in the account's own currency
WITH RECURSIVE accounts AS (
    SELECT {connection}id, name, parent_account_id, account_type, classification, active, balance FROM {table account}
), tree AS (
    SELECT {of a}a.id, a.name, 0 AS depth, a.name AS path, a.id AS top_account_id, a.account_type, a.classification, a.active,
        a.balance
    FROM accounts AS a
    WHERE NOT EXISTS (SELECT 1 FROM accounts AS above WHERE {same above a}above.id = a.parent_account_id)
    UNION ALL
    -- Parents that name each other in a circle are nobody's branch; no chart is deeper than this.
    SELECT {of a}a.id, a.name, t.depth + 1, t.path || ':' || a.name, t.top_account_id, a.account_type, a.classification, a.active,
        a.balance
    FROM tree AS t JOIN accounts AS a ON {same a t}a.parent_account_id = t.id
    WHERE t.depth < 20
)
SELECT {connection}id AS account_id, name, depth, path, top_account_id, account_type, classification, active, balance FROM tree
