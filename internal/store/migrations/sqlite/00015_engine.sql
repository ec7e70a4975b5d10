-- +goose Up
-- Which Temporal makes the deliveries of this store: one row at most.
CREATE TABLE engine_binding (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    namespace    TEXT NOT NULL,
    namespace_id TEXT NOT NULL, -- Temporal's own id of it: another cluster has a namespace of the same name
    bound_at     TIMESTAMP NOT NULL
);
-- What is written to see whether anything can be: one row at most.
CREATE TABLE write_probe (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at     TIMESTAMP NOT NULL,
    filler BLOB
);

-- +goose Down
DROP TABLE write_probe;
DROP TABLE engine_binding;
