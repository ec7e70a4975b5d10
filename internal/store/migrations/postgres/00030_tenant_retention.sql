-- +goose Up
-- Nanoseconds; NULL: as long as the installation keeps them, 0: for ever.
ALTER TABLE tenants ADD COLUMN retention bigint;
ALTER TABLE tenants ADD COLUMN payload_retention bigint;

-- A tenant that says itself when its data end has rows of its own. Empty: the installation's.
ALTER TABLE retention ADD COLUMN tenant text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE retention DROP CONSTRAINT retention_pkey;
ALTER TABLE retention ADD PRIMARY KEY (tenant, expiry);
INSERT INTO retention (expiry) VALUES ('recoveries');

-- +goose Down
DELETE FROM retention WHERE tenant <> '' OR expiry = 'recoveries';
ALTER TABLE retention DROP CONSTRAINT retention_pkey;
ALTER TABLE retention DROP COLUMN tenant;
ALTER TABLE retention ADD PRIMARY KEY (expiry);
ALTER TABLE tenants DROP COLUMN payload_retention;
ALTER TABLE tenants DROP COLUMN retention;
