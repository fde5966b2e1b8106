-- The day that it is in a zone. A zone that this server does not know, because its list of zones is older than the program's,
-- would take down every view that counts days: there it is the day in UTC.
--
-- Not safe in parallel: a subtransaction, which the handler needs, cannot begin there.
CREATE FUNCTION books.today_in(zone text) RETURNS date LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
BEGIN
    RETURN (now() AT TIME ZONE zone)::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (now() AT TIME ZONE 'UTC')::date;
END $$;
