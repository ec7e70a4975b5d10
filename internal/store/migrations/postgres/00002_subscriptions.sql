-- +goose Up
CREATE TABLE subscriptions (
    id              text COLLATE "C" PRIMARY KEY,
    tenant          text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    url             text NOT NULL,
    event_types     text NOT NULL,
    headers         bytea, -- sealed: subscribers put credentials here
    access          bytea, -- sealed
    properties      bytea, -- never jsonb: deliveries copy these very bytes
    secrets         bytea NOT NULL, -- sealed
    signature       text NOT NULL,
    payload         text NOT NULL,
    timeout_us      bigint NOT NULL,
    retry_schedule  text,
    status          text NOT NULL,
    disabled_reason text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX subscriptions_tenant ON subscriptions (tenant, id);
CREATE INDEX subscriptions_tenant_status ON subscriptions (tenant, status, id);
CREATE INDEX subscriptions_status ON subscriptions (status, id);

-- One row a pattern. Planning an event looks its patterns up by this key and reads nobody else's rows.
CREATE TABLE subscription_patterns (
    tenant          text COLLATE "C" NOT NULL,
    pattern         text COLLATE "C" NOT NULL,
    subscription_id text COLLATE "C" NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant, pattern, subscription_id)
);
CREATE INDEX subscription_patterns_subscription ON subscription_patterns (subscription_id);

-- +goose Down
DROP TABLE subscription_patterns;
DROP TABLE subscriptions;
