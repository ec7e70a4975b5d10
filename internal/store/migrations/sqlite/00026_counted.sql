-- +goose Up
-- For counts of all deliveries that are held, and of all dead letters. Only a query with this very condition is for it: SQLite would
-- choose an index with status = 'held' for the held deliveries of an event.
CREATE INDEX deliveries_resting ON deliveries (status) WHERE status IN ('held', 'exhausted');

-- +goose Down
DROP INDEX deliveries_resting;
