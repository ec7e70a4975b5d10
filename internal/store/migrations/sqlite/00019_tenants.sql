-- +goose Up
CREATE TABLE tenants (
    name              TEXT NOT NULL PRIMARY KEY,
    delivery_mode     TEXT NOT NULL, -- empty: the deployment's
    max_subscriptions INTEGER NOT NULL, -- 0: any number
    publish_rate      INTEGER NOT NULL, -- events a second; 0: any number
    updated_at        TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE tenants;
