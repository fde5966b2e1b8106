-- What a person has to put right before a connection that was refused can be used again: a word for programs, beside the
-- reason for people.
ALTER TABLE fleet.connections ADD COLUMN state_cause text
    CHECK (state_cause IN ('app_keys', 'place', 'master_key', 'credential', 'unknown'));

UPDATE fleet.connections
SET state_cause = CASE
        WHEN state_reason LIKE '%client id and secret%' THEN 'app_keys'
        WHEN state_reason LIKE '%wrong environment or realm%' THEN 'place'
        WHEN state_reason LIKE '%credential cannot be opened%' THEN 'master_key'
        WHEN state_reason LIKE '%refuses this company for good%' THEN 'credential'
        WHEN state_reason LIKE '%connect the company again%' THEN 'credential'
        WHEN state_reason LIKE '%credential is not one%' THEN 'credential'
        WHEN state_reason LIKE '%has no credential%' THEN 'credential'
        ELSE 'unknown'
    END
WHERE state = 'needs_reauthorisation';

-- A program of before writes a reason and knows of no cause: the one of an earlier reason must not stay beside it.
CREATE FUNCTION fleet.forget_cause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.state_cause := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER forget_cause BEFORE UPDATE OF state_reason ON fleet.connections FOR EACH ROW
    WHEN (NEW.state_reason IS DISTINCT FROM OLD.state_reason AND NEW.state_cause = OLD.state_cause)
    EXECUTE FUNCTION fleet.forget_cause();
