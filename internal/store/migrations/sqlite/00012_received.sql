-- +goose Up
ALTER TABLE events ADD COLUMN request TEXT; -- what is kept of the webhook that it came with, as JSON; NULL: it was published
ALTER TABLE subscriptions ADD COLUMN forward_headers TEXT; -- patterns of those that are sent on, as JSON; NULL: all

-- +goose Down
ALTER TABLE subscriptions DROP COLUMN forward_headers;
ALTER TABLE events DROP COLUMN request;
