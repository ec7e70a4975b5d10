-- Columns of type TIMESTAMP hold whole microseconds since 1970 as integers: exact, and they sort as times do.

-- +goose Up
CREATE TABLE events (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant          TEXT NOT NULL,
    type            TEXT NOT NULL,
    data            BLOB NOT NULL,
    metadata        TEXT,
    idempotency_key TEXT,
    fingerprint     BLOB NOT NULL,
    status          TEXT NOT NULL,
    deliveries      INTEGER NOT NULL DEFAULT 0, -- how many, once planned
    created_at      TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX events_idempotency ON events (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX events_accepted ON events (id) WHERE status = 'accepted';
CREATE INDEX events_tenant ON events (tenant, id);
CREATE INDEX events_tenant_type ON events (tenant, type, id);
CREATE INDEX events_type ON events (type, id);
CREATE INDEX events_created ON events (created_at);

-- +goose Down
DROP TABLE events;
