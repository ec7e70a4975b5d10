-- +goose Up
CREATE TABLE recoveries (
    id              text COLLATE "C" PRIMARY KEY,
    tenant          text COLLATE "C" NOT NULL,
    subscription_id text COLLATE "C" NOT NULL, -- no reference: what was done outlives what it was done to
    recovers        text NOT NULL, -- which deliveries
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    rate            integer NOT NULL,
    actor           text NOT NULL,
    reason          text NOT NULL,
    status          text NOT NULL,
    total           integer NOT NULL,
    after_id        text NOT NULL, -- the last one looked at
    done            integer NOT NULL,
    skipped         integer NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz
);
CREATE UNIQUE INDEX recoveries_running ON recoveries (subscription_id) WHERE status = 'running';
CREATE INDEX recoveries_running_id ON recoveries (id) WHERE status = 'running';
CREATE INDEX recoveries_tenant ON recoveries (tenant, id);
CREATE INDEX recoveries_subscription ON recoveries (subscription_id, id);

-- +goose Down
DROP TABLE recoveries;
