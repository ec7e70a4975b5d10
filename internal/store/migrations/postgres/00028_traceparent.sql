-- +goose Up
ALTER TABLE events ADD COLUMN traceparent text; -- the span by which it was published, as in the header of that name; NULL: none

-- +goose Down
ALTER TABLE events DROP COLUMN traceparent;
