-- +goose Up
CREATE INDEX events_waiting ON events (tenant, id) WHERE status = 'accepted';
DROP INDEX events_accepted;
CREATE INDEX deliveries_outstanding ON deliveries (tenant, subscription_id, event_id)
    WHERE status = 'pending' AND attempts = 0;

-- +goose Down
DROP INDEX deliveries_outstanding;
CREATE INDEX events_accepted ON events (id) WHERE status = 'accepted';
DROP INDEX events_waiting;
