-- +goose NO TRANSACTION
-- +goose Up
-- For counts of all deliveries that are held, and of all dead letters. Only a query with this very condition is for it: SQLite would
-- choose an index with status = 'held' for the held deliveries of an event. Nothing waits while it is made; if the program dies
-- meanwhile, what is there of it is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_resting;
CREATE INDEX CONCURRENTLY deliveries_resting ON deliveries (status) WHERE status IN ('held', 'exhausted');

-- +goose Down
DROP INDEX IF EXISTS deliveries_resting;
