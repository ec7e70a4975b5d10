-- +goose Up
CREATE TABLE api_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE, -- SHA-256 of the key, in hexadecimal
    prefix       TEXT NOT NULL,
    scopes       TEXT NOT NULL, -- JSON
    tenant       TEXT NOT NULL, -- empty: all
    made_by      TEXT NOT NULL,
    made_with    TEXT NOT NULL, -- the id of the key that made it
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP,
    last_used_at TIMESTAMP,
    revoked_at   TIMESTAMP
);
CREATE INDEX api_keys_tenant ON api_keys (tenant, id);
ALTER TABLE audit ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_key ON audit (key_id, id) WHERE key_id <> '';

-- +goose Down
DROP INDEX audit_key;
ALTER TABLE audit DROP COLUMN key_id;
DROP TABLE api_keys;
