-- +goose Up
CREATE TABLE deliveries (
    id              TEXT NOT NULL PRIMARY KEY,
    event_id        TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    subscription_id TEXT NOT NULL, -- no reference: deliveries outlive their subscription as the audit trail
    tenant          TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    position        INTEGER NOT NULL,
    status          TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    forwarded       INTEGER NOT NULL,
    next_attempt_at TIMESTAMP,
    last_error      TEXT NOT NULL,
    reason          TEXT NOT NULL,
    payload         TEXT NOT NULL,
    properties      BLOB,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    UNIQUE (event_id, subscription_id),
    UNIQUE (event_id, position)
);
CREATE INDEX deliveries_pending ON deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_subscription ON deliveries (subscription_id, id);
CREATE INDEX deliveries_tenant ON deliveries (tenant, id);
-- Nearly all rows end as delivered, so looking for those needs no index of their own, and the others are few.
CREATE INDEX deliveries_subscription_status ON deliveries (subscription_id, status, id) WHERE status <> 'delivered';
CREATE INDEX deliveries_tenant_status ON deliveries (tenant, status, id) WHERE status <> 'delivered';

-- +goose Down
DROP TABLE deliveries;
