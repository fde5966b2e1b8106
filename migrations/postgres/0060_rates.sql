-- A number that is out of all bounds, such as 1e131071, is stored, but nothing can be multiplied by it: a view that tried would
-- be down. What is not below 10^30 is not taken for a number.
CREATE OR REPLACE FUNCTION books.as_numeric(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN CASE WHEN abs(value::numeric) < 1e30 THEN value::numeric END
        WHEN 'string' THEN CASE WHEN length(value #>> '{}') <= 100 AND value #>> '{}' ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?$'
            THEN CASE WHEN abs((value #>> '{}')::numeric) < 1e30 THEN (value #>> '{}')::numeric END END
    END
$$;

-- What one unit of a currency is worth at home: 1 where nothing is said, nothing where what is said is no number.
CREATE FUNCTION books.as_rate(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NULL OR jsonb_typeof(value) = 'null' THEN 1 ELSE books.as_numeric(value) END
$$;
