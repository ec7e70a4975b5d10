-- +goose Up
ALTER TABLE subscriptions ADD COLUMN resume_rate INTEGER NOT NULL DEFAULT 0; -- 0: no held deliveries are being let go
CREATE INDEX subscriptions_resuming ON subscriptions (id) WHERE resume_rate > 0;

-- +goose Down
DROP INDEX subscriptions_resuming;
ALTER TABLE subscriptions DROP COLUMN resume_rate;
