-- The trace in which a run was asked for, as the W3C's `traceparent`: attempts link to it.
ALTER TABLE fleet.runs ADD COLUMN trace_context text;
