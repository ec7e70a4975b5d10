-- +goose Up

-- How often something of a tenant was cancelled as a whole: its epoch, from 1. Events and deliveries keep the epoch in which
-- they were accepted, so that what was accepted before a cancellation is told from what came after it by no clock.
CREATE TABLE epochs (
    tenant text COLLATE "C" PRIMARY KEY,
    epoch  bigint NOT NULL
);

-- The last cancellation of everything of a tenant (whose subject is empty), for a subscription or of an event: it stops
-- what is of an earlier epoch.
CREATE TABLE stops (
    id      text COLLATE "C" PRIMARY KEY,
    tenant  text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    epoch   bigint NOT NULL,
    actor   text NOT NULL,
    reason  text NOT NULL,
    walking boolean NOT NULL, -- a job is to close what it stopped
    UNIQUE (tenant, subject)
);
CREATE INDEX stops_walking ON stops (id) WHERE walking;

-- The default is an epoch that nothing stops: rows of a program of the version before, which does not know epochs, must not
-- be taken for old ones.
ALTER TABLE events ADD COLUMN epoch bigint NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE deliveries ADD COLUMN epoch bigint NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE recoveries ADD COLUMN epoch bigint NOT NULL DEFAULT 9223372036854775807;
UPDATE events SET epoch = 1 WHERE status = 'accepted';
UPDATE deliveries SET epoch = 1 WHERE status <> 'delivered' AND status <> 'cancelled';
UPDATE recoveries SET epoch = 1 WHERE status = 'running';

-- +goose Down
ALTER TABLE recoveries DROP COLUMN epoch;
ALTER TABLE deliveries DROP COLUMN epoch;
ALTER TABLE events DROP COLUMN epoch;
DROP TABLE stops;
DROP TABLE epochs;
