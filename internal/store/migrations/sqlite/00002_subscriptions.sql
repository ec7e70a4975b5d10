-- +goose Up
CREATE TABLE subscriptions (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant          TEXT NOT NULL,
    name            TEXT NOT NULL,
    url             TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    headers         BLOB, -- sealed: subscribers put credentials here
    access          BLOB, -- sealed
    properties      BLOB,
    secrets         BLOB NOT NULL, -- sealed
    signature       TEXT NOT NULL,
    payload         TEXT NOT NULL,
    timeout_us      INTEGER NOT NULL,
    retry_schedule  TEXT,
    status          TEXT NOT NULL,
    disabled_reason TEXT NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL
);
CREATE INDEX subscriptions_tenant ON subscriptions (tenant, id);
CREATE INDEX subscriptions_tenant_status ON subscriptions (tenant, status, id);
CREATE INDEX subscriptions_status ON subscriptions (status, id);

-- One row a pattern. Planning an event looks its patterns up by this key and reads nobody else's rows.
CREATE TABLE subscription_patterns (
    tenant          TEXT NOT NULL,
    pattern         TEXT NOT NULL,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant, pattern, subscription_id)
) WITHOUT ROWID;
CREATE INDEX subscription_patterns_subscription ON subscription_patterns (subscription_id);

-- +goose Down
DROP TABLE subscription_patterns;
DROP TABLE subscriptions;
