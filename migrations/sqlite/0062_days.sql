-- A file knows no zones, days are those of UTC there: the pair of this in Postgres makes a function.
SELECT 1;
