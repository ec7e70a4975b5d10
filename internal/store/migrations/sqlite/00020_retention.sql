-- +goose Up
-- How far the removal of what has ended has come.
CREATE TABLE retention (
    expiry      TEXT NOT NULL PRIMARY KEY,
    reached     TEXT NOT NULL DEFAULT '', -- id of the last row that was looked at
    horizon     TIMESTAMP, -- data from before it may be removed; NULL: none
    walking     BOOLEAN NOT NULL DEFAULT false, -- a pass is under way
    finished_at TIMESTAMP, -- of the last pass
    removed     INTEGER NOT NULL DEFAULT 0, -- rows
    bytes       INTEGER NOT NULL DEFAULT 0
);
INSERT INTO retention (expiry) VALUES ('events'), ('payloads'), ('late'), ('audit');

ALTER TABLE events ADD COLUMN payload_late BOOLEAN; -- its payload was still needed when the others of its time were removed
CREATE INDEX events_payload_late ON events (id) WHERE payload_late;

-- Entries of the audit are removed at their end, and never changed.
DROP TRIGGER audit_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon) BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd
DROP INDEX events_payload_late;
ALTER TABLE events DROP COLUMN payload_late;
DROP TABLE retention;
