-- +goose Up
ALTER TABLE deliveries ADD COLUMN claimed_until TIMESTAMP;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN claimed_until;
