-- Whoever holds the runner lock of a file leads; there is nothing to store. The number is taken so that the migrations
-- of both databases stay pairs.
SELECT 1;
