-- Numbers and rates are read by the views alone: the pair of this in Postgres changes functions.
SELECT 1;
