-- +goose NO TRANSACTION
-- +goose Up
-- Lists of what failed in the same way. Nothing waits while the index is made, which has no row of before this migration.
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS last_class text COLLATE "C" NOT NULL DEFAULT ''; -- of the error of the last attempt; empty: none
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS last_code integer NOT NULL DEFAULT 0; -- answered to the last attempt; 0: no answer
DROP INDEX CONCURRENTLY IF EXISTS deliveries_class;
CREATE INDEX CONCURRENTLY deliveries_class ON deliveries (subscription_id, last_class, id) WHERE status <> 'delivered' AND last_class <> '';

-- +goose Down
DROP INDEX IF EXISTS deliveries_class;
ALTER TABLE deliveries DROP COLUMN IF EXISTS last_code;
ALTER TABLE deliveries DROP COLUMN IF EXISTS last_class;
