-- +goose Up
CREATE TABLE audit (
    id      text COLLATE "C" PRIMARY KEY,
    at      timestamptz NOT NULL,
    tenant  text COLLATE "C" NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text COLLATE "C" NOT NULL, -- no reference: what was done outlives what it was done to
    reason  text NOT NULL,
    origin  text COLLATE "C"
);
CREATE UNIQUE INDEX audit_origin ON audit (origin) WHERE origin IS NOT NULL;
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TABLE audit;
DROP FUNCTION audit_refuse;
