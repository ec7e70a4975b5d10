-- What is large stays in the tables of events and attempts: SQLite has no partitions.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
