-- +goose Up
CREATE TABLE deliveries (
    id              text COLLATE "C" PRIMARY KEY,
    event_id        text COLLATE "C" NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    subscription_id text COLLATE "C" NOT NULL, -- no reference: deliveries outlive their subscription as the audit trail
    tenant          text COLLATE "C" NOT NULL,
    event_type      text NOT NULL,
    position        integer NOT NULL,
    status          text NOT NULL,
    attempts        integer NOT NULL,
    forwarded       integer NOT NULL,
    next_attempt_at timestamptz,
    last_error      text NOT NULL,
    reason          text NOT NULL,
    payload         text NOT NULL,
    properties      bytea,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
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
