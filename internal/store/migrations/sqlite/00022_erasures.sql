-- +goose Up
-- What is to be removed of a tenant or an event, and what was.
CREATE TABLE erasures (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant      TEXT NOT NULL,
    event_id    TEXT NOT NULL, -- empty: all of the tenant
    epoch       INTEGER NOT NULL, -- what is of an earlier one is removed
    actor       TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    events      INTEGER NOT NULL DEFAULT 0,
    deliveries  INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    workflows   INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX erasures_open ON erasures (tenant, event_id) WHERE finished_at IS NULL;

-- Entries of the audit are removed at their end, or with their tenant, and never changed.
DROP TRIGGER audit_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon)
AND NOT EXISTS (SELECT 1 FROM erasures AS e WHERE e.tenant = OLD.tenant AND e.event_id = '' AND e.finished_at IS NULL AND OLD.at <= e.created_at) BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon) BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd
DROP TABLE erasures;
