-- +goose Up
-- How far the removal of what has ended has come. Whoever removes locks the row.
CREATE TABLE retention (
    expiry      text PRIMARY KEY,
    reached     text COLLATE "C" NOT NULL DEFAULT '', -- id of the last row that was looked at
    horizon     timestamptz, -- data from before it may be removed; NULL: none
    walking     boolean NOT NULL DEFAULT false, -- a pass is under way
    finished_at timestamptz, -- of the last pass
    removed     bigint NOT NULL DEFAULT 0, -- rows
    bytes       bigint NOT NULL DEFAULT 0
);
INSERT INTO retention (expiry) VALUES ('events'), ('payloads'), ('late'), ('audit');

ALTER TABLE events ADD COLUMN payload_late boolean; -- its payload was still needed when the others of its time were removed
CREATE INDEX events_payload_late ON events (id) WHERE payload_late;

-- Entries of the audit are removed at their end, and never changed.
DROP TRIGGER audit_append_only ON audit;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
-- +goose StatementBegin
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep();

-- +goose Down
DROP TRIGGER audit_kept ON audit;
DROP FUNCTION audit_keep;
DROP TRIGGER audit_append_only ON audit;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
DROP INDEX events_payload_late;
ALTER TABLE events DROP COLUMN payload_late;
DROP TABLE retention;
