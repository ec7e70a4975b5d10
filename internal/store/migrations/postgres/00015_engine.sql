-- +goose Up
-- Which Temporal makes the deliveries of this store: one row at most.
CREATE TABLE engine_binding (
    id           integer PRIMARY KEY CHECK (id = 1),
    namespace    text NOT NULL,
    namespace_id text NOT NULL, -- Temporal's own id of it: another cluster has a namespace of the same name
    bound_at     timestamptz NOT NULL
);
-- What is written to see whether anything can be: one row at most.
CREATE TABLE write_probe (
    id     integer PRIMARY KEY CHECK (id = 1),
    at     timestamptz NOT NULL,
    filler bytea
);

-- +goose Down
DROP TABLE write_probe;
DROP TABLE engine_binding;
