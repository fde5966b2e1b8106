-- Tables for people: a schema of views for each connection, made by the program from its table of columns. What follows reads
-- one value out of a record; a value that is not of the type is null, and never an error. What is looked at is looked at
-- before it is cast. Those in SQL are put into the query by Postgres.

-- Ids and words. Numbers are texts, too.
CREATE FUNCTION books.as_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(value) IN ('string', 'number') THEN value #>> '{}' END
$$;

-- A number, also one that is written as a text.
CREATE FUNCTION books.as_numeric(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN value::numeric
        WHEN 'string' THEN CASE WHEN length(value #>> '{}') <= 100 AND value #>> '{}' ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?$'
            THEN (value #>> '{}')::numeric END
    END
$$;

-- Whether the day of a text that begins with year, month and day is not behind the last one of its month.
CREATE FUNCTION books.is_a_day(written text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN substr(written, 9, 2) <= '28' THEN true ELSE substr(written, 9, 2)::integer <= extract(day FROM
        make_date(left(written, 4)::integer, substr(written, 6, 2)::integer, 1) + interval '1 month - 1 day') END
$$;

-- A day; the source writes some with an offset behind them. Statement by statement, because each looks at the record once:
-- one expression would take the value out of it again wherever it names it.
CREATE FUNCTION books.as_date(value jsonb) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    written constant text := value #>> '{}';
BEGIN
    IF jsonb_typeof(value) = 'string'
        AND written ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(Z|[-+][0-9]{2}:[0-9]{2})?$'
        AND books.is_a_day(written)
    THEN
        RETURN make_date(left(written, 4)::integer, substr(written, 6, 2)::integer, substr(written, 9, 2)::integer);
    END IF;
    RETURN NULL;
END $$;

-- An instant with its offset.
CREATE FUNCTION books.as_timestamptz(value jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    written constant text := value #>> '{}';
BEGIN
    IF jsonb_typeof(value) = 'string'
        AND written ~ ('^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
            || 'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[-+](0[0-9]|1[0-4]):[0-5][0-9])$')
        AND books.is_a_day(written)
    THEN
        RETURN written::timestamptz;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION books.as_boolean(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE value #>> '{}' WHEN 'true' THEN true WHEN 'false' THEN false END
$$;

-- What a list has; anything else has nothing.
CREATE FUNCTION books.elements(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]'::jsonb END
$$;

-- Whether something is there that is not of the type.
CREATE FUNCTION books.is_odd(value jsonb, type text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NULL OR jsonb_typeof(value) = 'null' THEN false ELSE CASE type
        WHEN 'text' THEN books.as_text(value) IS NULL
        WHEN 'numeric' THEN books.as_numeric(value) IS NULL
        WHEN 'date' THEN books.as_date(value) IS NULL
        WHEN 'timestamptz' THEN books.as_timestamptz(value) IS NULL
        WHEN 'boolean' THEN books.as_boolean(value) IS NULL
        ELSE false END END
$$;

-- Which connection has which schema, and which program's views are in it.
CREATE TABLE fleet.models (
    connection_id uuid PRIMARY KEY REFERENCES fleet.connections (id),
    schema_name   text NOT NULL UNIQUE,
    fingerprint   text NOT NULL,                    -- of the statements that made the views
    views         text[] NOT NULL,                  -- what is this program's in the schema; the rest is somebody else's
    laid_out_at   timestamptz NOT NULL
);
