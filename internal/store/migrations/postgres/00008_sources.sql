-- +goose Up
CREATE TABLE sources (
    id          text COLLATE "C" PRIMARY KEY,
    tenant      text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    provider    text NOT NULL,
    credentials bytea NOT NULL, -- sealed
    public_url  text NOT NULL,
    settings    bytea, -- the JSON as it was given
    status      text NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX sources_tenant ON sources (tenant, id);

-- +goose Down
DROP TABLE sources;
