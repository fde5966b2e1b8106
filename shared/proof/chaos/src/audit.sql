CREATE SCHEMA chaos;
CREATE TABLE chaos.violations (at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL);
CREATE TABLE chaos.moves (
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    segment    uuid NOT NULL,
    entity     text NOT NULL,
    epoch      bigint NOT NULL,
    worker     text,
    state_from text NOT NULL,
    state_to   text NOT NULL,
    pass       integer NOT NULL,
    page       integer NOT NULL
);
CREATE TABLE chaos.writes (
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    segment uuid NOT NULL,
    entity  text NOT NULL,
    id      text NOT NULL,
    kind    text NOT NULL
);
-- Who has claimed a segment last. Every worker is a user of its own, so that its sessions are known.
DO $$ BEGIN
    FOR number IN 0..63 LOOP
        EXECUTE format('CREATE ROLE worker_%s LOGIN SUPERUSER', number);
    END LOOP;
END $$;
CREATE TABLE chaos.holders (segment uuid PRIMARY KEY, holder name NOT NULL);

CREATE FUNCTION chaos.note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.epoch < OLD.epoch THEN
        INSERT INTO chaos.violations (what) VALUES ('the epoch of a segment went back');
    END IF;
    IF OLD.state = 'done' AND NEW.state <> 'done' THEN
        INSERT INTO chaos.violations (what) VALUES ('a done segment moved on');
    END IF;
    IF NEW.state = 'running' AND OLD.state = 'pending' AND NEW.epoch <> OLD.epoch + 1 THEN
        INSERT INTO chaos.violations (what) VALUES ('a claim without a new epoch');
    END IF;
    IF OLD.state <> 'running' AND NEW.pages > OLD.pages THEN
        INSERT INTO chaos.violations (what) VALUES ('a page of a segment that is not running');
    END IF;
    IF NEW.pages > OLD.pages AND NEW.epoch <> OLD.epoch THEN
        INSERT INTO chaos.violations (what) VALUES ('a page under another epoch');
    END IF;
    IF NEW.state = 'running' AND OLD.state = 'pending' THEN
        INSERT INTO chaos.holders VALUES (NEW.id, session_user)
        ON CONFLICT (segment) DO UPDATE SET holder = excluded.holder;
    ELSIF (NEW.pages > OLD.pages OR NEW.state = 'done') AND NOT EXISTS (
        SELECT 1 FROM chaos.holders WHERE segment = NEW.id AND holder = session_user) THEN
        INSERT INTO chaos.violations (what) VALUES ('a page by a worker that does not hold the segment');
    END IF;
    INSERT INTO chaos.moves (segment, entity, epoch, worker, state_from, state_to, pass, page)
    VALUES (NEW.id, NEW.entity, NEW.epoch, NEW.worker, OLD.state, NEW.state, NEW.pass, NEW.page);
    RETURN NULL;
END $$;
CREATE TRIGGER note_move AFTER UPDATE ON fleet.segments FOR EACH ROW
    WHEN ((OLD.epoch, OLD.state, OLD.pass, OLD.page, OLD.pages) IS DISTINCT FROM
          (NEW.epoch, NEW.state, NEW.pass, NEW.page, NEW.pages))
    EXECUTE FUNCTION chaos.note_move();

-- Whoever writes a record has passed the fence of its segment in the same transaction: the segment's row is its own.
CREATE FUNCTION chaos.note_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer xid;
BEGIN
    SELECT xmin INTO writer FROM fleet.segments WHERE id = NEW.segment_id;
    IF writer IS DISTINCT FROM pg_current_xact_id()::xid THEN
        INSERT INTO chaos.violations (what) VALUES ('a record was written without the fence');
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.deleted_at_utc IS NULL AND NEW.deleted_at_utc IS NULL AND NEW.source_version < OLD.source_version THEN
            INSERT INTO chaos.violations (what) VALUES ('a record went back to an older version');
        END IF;
        IF (NEW.source_version, NEW.source_updated_at) = (OLD.source_version, OLD.source_updated_at)
           AND NEW.observed_at_utc < OLD.observed_at_utc THEN
            INSERT INTO chaos.violations (what) VALUES ('a record went back to an older observation');
        END IF;
    END IF;
    INSERT INTO chaos.writes (segment, entity, id, kind) VALUES (
        NEW.segment_id, NEW.entity, NEW.id,
        CASE WHEN TG_OP = 'INSERT' THEN 'new' WHEN OLD.payload_hash = NEW.payload_hash THEN 'same' ELSE 'changed' END);
    RETURN NULL;
END $$;
CREATE TRIGGER note_write AFTER INSERT OR UPDATE ON raw.records FOR EACH ROW EXECUTE FUNCTION chaos.note_write();
