-- +goose Up
CREATE TABLE audit (
    id      TEXT NOT NULL PRIMARY KEY,
    at      TIMESTAMP NOT NULL,
    tenant  TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL, -- no reference: what was done outlives what it was done to
    reason  TEXT NOT NULL,
    origin  TEXT
);
CREATE UNIQUE INDEX audit_origin ON audit (origin) WHERE origin IS NOT NULL;
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit;
