-- +goose Up
CREATE TABLE recoveries (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant          TEXT NOT NULL,
    subscription_id TEXT NOT NULL, -- no reference: what was done outlives what it was done to
    recovers        TEXT NOT NULL, -- which deliveries
    since           TIMESTAMP NOT NULL,
    until           TIMESTAMP NOT NULL,
    rate            INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    status          TEXT NOT NULL,
    total           INTEGER NOT NULL,
    after_id        TEXT NOT NULL, -- the last one looked at
    done            INTEGER NOT NULL,
    skipped         INTEGER NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    finished_at     TIMESTAMP
);
CREATE UNIQUE INDEX recoveries_running ON recoveries (subscription_id) WHERE status = 'running';
CREATE INDEX recoveries_running_id ON recoveries (id) WHERE status = 'running';
CREATE INDEX recoveries_tenant ON recoveries (tenant, id);
CREATE INDEX recoveries_subscription ON recoveries (subscription_id, id);

-- +goose Down
DROP TABLE recoveries;
