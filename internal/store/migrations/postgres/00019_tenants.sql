-- +goose Up
CREATE TABLE tenants (
    name              text COLLATE "C" PRIMARY KEY,
    delivery_mode     text NOT NULL, -- empty: the deployment's
    max_subscriptions bigint NOT NULL, -- 0: any number
    publish_rate      bigint NOT NULL, -- events a second; 0: any number
    updated_at        timestamptz NOT NULL
);

-- +goose Down
DROP TABLE tenants;
