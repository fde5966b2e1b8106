-- Postgres finds dead letters fast enough with the indexes it has. The number is taken so that the migrations of both
-- databases stay pairs.
SELECT 1;
