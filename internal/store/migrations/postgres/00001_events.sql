-- +goose Up
CREATE TABLE events (
    id              text COLLATE "C" PRIMARY KEY,
    tenant          text COLLATE "C" NOT NULL,
    type            text COLLATE "C" NOT NULL,
    data            bytea NOT NULL, -- never jsonb, which reorders keys: signatures cover these very bytes
    metadata        text,
    idempotency_key text COLLATE "C",
    fingerprint     bytea NOT NULL,
    status          text NOT NULL,
    deliveries      integer NOT NULL DEFAULT 0, -- how many, once planned
    created_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX events_idempotency ON events (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX events_accepted ON events (id) WHERE status = 'accepted';
CREATE INDEX events_tenant ON events (tenant, id);
CREATE INDEX events_tenant_type ON events (tenant, type, id);
CREATE INDEX events_type ON events (type, id);
CREATE INDEX events_created ON events (created_at);

-- +goose Down
DROP TABLE events;
