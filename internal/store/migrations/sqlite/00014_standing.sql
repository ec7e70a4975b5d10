-- +goose Up
ALTER TABLE deliveries ADD COLUMN failing_since TIMESTAMP; -- the first of the attempts that failed since one succeeded
ALTER TABLE deliveries ADD COLUMN halted TEXT NOT NULL DEFAULT ''; -- by whom in Temporal, so that it cannot go; empty: it can
CREATE INDEX deliveries_failing ON deliveries (subscription_id, failing_since) WHERE status = 'pending' AND failing_since IS NOT NULL;
CREATE INDEX deliveries_halted ON deliveries (id) WHERE halted <> '';
ALTER TABLE subscriptions ADD COLUMN paused_at TIMESTAMP;
ALTER TABLE subscriptions ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE subscriptions ADD COLUMN paused_reason TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE subscriptions DROP COLUMN paused_reason;
ALTER TABLE subscriptions DROP COLUMN paused_by;
ALTER TABLE subscriptions DROP COLUMN paused_at;
DROP INDEX deliveries_halted;
DROP INDEX deliveries_failing;
ALTER TABLE deliveries DROP COLUMN halted;
ALTER TABLE deliveries DROP COLUMN failing_since;
