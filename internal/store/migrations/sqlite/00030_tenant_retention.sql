-- +goose Up
-- Nanoseconds; NULL: as long as the installation keeps them, 0: for ever.
ALTER TABLE tenants ADD COLUMN retention INTEGER;
ALTER TABLE tenants ADD COLUMN payload_retention INTEGER;

-- A tenant that says itself when its data end has rows of its own. Empty: the installation's. SQLite cannot change a primary
-- key, and would change the triggers that name the table if it were renamed.
CREATE TABLE retention_before AS SELECT * FROM retention;
DROP TABLE retention;
CREATE TABLE retention (
    tenant      TEXT NOT NULL DEFAULT '',
    expiry      TEXT NOT NULL,
    reached     TEXT NOT NULL DEFAULT '', -- id of the last row that was looked at
    horizon     TIMESTAMP, -- data from before it may be removed; NULL: none
    walking     BOOLEAN NOT NULL DEFAULT false, -- a pass is under way
    finished_at TIMESTAMP, -- of the last pass
    removed     INTEGER NOT NULL DEFAULT 0, -- rows
    bytes       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, expiry)
);
INSERT INTO retention (expiry, reached, horizon, walking, finished_at, removed, bytes)
SELECT expiry, reached, horizon, walking, finished_at, removed, bytes FROM retention_before;
DROP TABLE retention_before;
INSERT INTO retention (expiry) VALUES ('recoveries');

-- +goose Down
CREATE TABLE retention_before AS SELECT * FROM retention WHERE tenant = '' AND expiry <> 'recoveries';
DROP TABLE retention;
CREATE TABLE retention (
    expiry      TEXT NOT NULL PRIMARY KEY,
    reached     TEXT NOT NULL DEFAULT '', -- id of the last row that was looked at
    horizon     TIMESTAMP, -- data from before it may be removed; NULL: none
    walking     BOOLEAN NOT NULL DEFAULT false, -- a pass is under way
    finished_at TIMESTAMP, -- of the last pass
    removed     INTEGER NOT NULL DEFAULT 0, -- rows
    bytes       INTEGER NOT NULL DEFAULT 0
);
INSERT INTO retention (expiry, reached, horizon, walking, finished_at, removed, bytes)
SELECT expiry, reached, horizon, walking, finished_at, removed, bytes FROM retention_before;
DROP TABLE retention_before;
ALTER TABLE tenants DROP COLUMN payload_retention;
ALTER TABLE tenants DROP COLUMN retention;
