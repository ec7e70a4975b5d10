-- +goose Up
-- The id of the workflow that planned the event together with others; empty: its own workflow, or it is not planned.
ALTER TABLE events ADD COLUMN planned_by text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN planned_by;
