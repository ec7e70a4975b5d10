-- +goose Up
CREATE TABLE sources (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant      TEXT NOT NULL,
    name        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    credentials BLOB NOT NULL, -- sealed
    public_url  TEXT NOT NULL,
    settings    BLOB, -- the JSON as it was given
    status      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL
);
CREATE INDEX sources_tenant ON sources (tenant, id);

-- +goose Down
DROP TABLE sources;
