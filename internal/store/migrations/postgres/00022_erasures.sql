-- +goose Up
-- What is to be removed of a tenant or an event, and what was.
CREATE TABLE erasures (
    id          text COLLATE "C" PRIMARY KEY,
    tenant      text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL, -- empty: all of the tenant
    epoch       bigint NOT NULL, -- what is of an earlier one is removed
    actor       text NOT NULL,
    key_id      text NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    events      bigint NOT NULL DEFAULT 0,
    deliveries  bigint NOT NULL DEFAULT 0,
    attempts    bigint NOT NULL DEFAULT 0,
    workflows   bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX erasures_open ON erasures (tenant, event_id) WHERE finished_at IS NULL;

-- Entries of the audit are removed at their end, or with their tenant, and never changed.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon)
    OR EXISTS (SELECT 1 FROM erasures AS e WHERE e.tenant = OLD.tenant AND e.event_id = '' AND e.finished_at IS NULL AND OLD.at <= e.created_at) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM retention WHERE expiry = 'audit' AND OLD.at < horizon) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd
DROP TABLE erasures;
