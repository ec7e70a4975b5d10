-- +goose Up
-- What a search looks for, and no other query. All writes wait while this reads all events.
CREATE INDEX events_key ON events (idempotency_key) WHERE idempotency_key IS NOT NULL; -- of all tenants
CREATE INDEX subscriptions_name ON subscriptions (lower(name), id);
CREATE INDEX subscriptions_tenant_name ON subscriptions (tenant, lower(name), id);
CREATE INDEX subscriptions_receiver ON subscriptions (substr(substr(url, instr(url, '://') + 3), 1,
    instr(replace(substr(url, instr(url, '://') + 3), char(63), '/') || '/', '/') - 1), id);
CREATE INDEX subscriptions_tenant_receiver ON subscriptions (tenant, substr(substr(url, instr(url, '://') + 3), 1,
    instr(replace(substr(url, instr(url, '://') + 3), char(63), '/') || '/', '/') - 1), id);

-- One row for each value in the metadata of an event; of a webhook, for the provider's id alone, as the rest is the same for all of a
-- source. Triggers keep it, because then nothing that removes events can forget it.
CREATE TABLE event_metadata (
    value    TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (value, tenant, event_id)
) WITHOUT ROWID;
INSERT INTO event_metadata (value, tenant, event_id)
    SELECT DISTINCT m.value, e.tenant, e.id FROM events AS e, json_each(e.metadata) AS m
    WHERE e.metadata IS NOT NULL AND m.value <> '' AND (e.request IS NULL OR m.key = 'delivery_id');
-- +goose StatementBegin
CREATE TRIGGER events_metadata_added AFTER INSERT ON events WHEN NEW.metadata IS NOT NULL BEGIN
    INSERT INTO event_metadata (value, tenant, event_id)
        SELECT DISTINCT m.value, NEW.tenant, NEW.id FROM json_each(NEW.metadata) AS m
        WHERE m.value <> '' AND (NEW.request IS NULL OR m.key = 'delivery_id');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_metadata_removed AFTER DELETE ON events WHEN OLD.metadata IS NOT NULL BEGIN
    DELETE FROM event_metadata
        WHERE tenant = OLD.tenant AND event_id = OLD.id AND value IN (SELECT m.value FROM json_each(OLD.metadata) AS m);
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER events_metadata_removed;
DROP TRIGGER events_metadata_added;
DROP TABLE event_metadata;
DROP INDEX subscriptions_tenant_receiver;
DROP INDEX subscriptions_receiver;
DROP INDEX subscriptions_tenant_name;
DROP INDEX subscriptions_name;
DROP INDEX events_key;
