-- +goose Up
-- Lists of what failed in the same way.
ALTER TABLE deliveries ADD COLUMN last_class TEXT NOT NULL DEFAULT ''; -- of the error of the last attempt; empty: none
ALTER TABLE deliveries ADD COLUMN last_code INTEGER NOT NULL DEFAULT 0; -- answered to the last attempt; 0: no answer
CREATE INDEX deliveries_class ON deliveries (subscription_id, last_class, id) WHERE status <> 'delivered' AND last_class <> '';

-- +goose Down
DROP INDEX deliveries_class;
ALTER TABLE deliveries DROP COLUMN last_code;
ALTER TABLE deliveries DROP COLUMN last_class;
