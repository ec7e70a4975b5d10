-- +goose Up
DROP INDEX events_created; -- lists find events of a time by their ids

-- +goose Down
CREATE INDEX events_created ON events (created_at);
