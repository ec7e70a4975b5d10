-- +goose Up
CREATE TABLE api_keys (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL,
    hash         text COLLATE "C" NOT NULL UNIQUE, -- SHA-256 of the key, in hexadecimal
    prefix       text NOT NULL,
    scopes       text NOT NULL, -- JSON
    tenant       text COLLATE "C" NOT NULL, -- empty: all
    made_by      text NOT NULL,
    made_with    text COLLATE "C" NOT NULL, -- the id of the key that made it
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant, id);
ALTER TABLE audit ADD COLUMN key_id text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX audit_key ON audit (key_id, id) WHERE key_id <> '';

-- +goose Down
DROP INDEX audit_key;
ALTER TABLE audit DROP COLUMN key_id;
DROP TABLE api_keys;
