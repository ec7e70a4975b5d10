-- +goose NO TRANSACTION
-- +goose Up
-- What a search looks for, and no other query. Publishing goes on while events are read: the index is made beside it, and their
-- metadata is read in batches, each a transaction. So each step can be done again after the program died in the middle.
DROP INDEX CONCURRENTLY IF EXISTS events_key;
CREATE INDEX CONCURRENTLY events_key ON events (idempotency_key) WHERE idempotency_key IS NOT NULL; -- of all tenants
CREATE INDEX IF NOT EXISTS subscriptions_name ON subscriptions (lower(name COLLATE "C"), id);
CREATE INDEX IF NOT EXISTS subscriptions_tenant_name ON subscriptions (tenant, lower(name COLLATE "C"), id);
CREATE INDEX IF NOT EXISTS subscriptions_receiver ON subscriptions ((split_part(split_part(url, '/', 3), chr(63), 1) COLLATE "C"), id);
CREATE INDEX IF NOT EXISTS subscriptions_tenant_receiver ON subscriptions (tenant, (split_part(split_part(url, '/', 3), chr(63), 1) COLLATE "C"), id);

-- One row for each value in the metadata of an event; of a webhook, for the provider's id alone, as the rest is the same for all of a
-- source. Triggers keep it, because then nothing that removes events can forget it.
-- Their functions find their table also where the path is empty, as in a restore of data alone.
CREATE TABLE IF NOT EXISTS event_metadata (
    value    text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (value, tenant, event_id)
);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION metadata_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO event_metadata (value, tenant, event_id)
        SELECT DISTINCT m.value, NEW.tenant, NEW.id FROM jsonb_each_text(NEW.metadata::jsonb) AS m
        WHERE m.value <> '' AND (NEW.request IS NULL OR m.key = 'delivery_id');
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION metadata_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM event_metadata USING jsonb_each_text(OLD.metadata::jsonb) AS m
        WHERE event_metadata.value = m.value AND event_metadata.tenant = OLD.tenant AND event_metadata.event_id = OLD.id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER events_metadata_added AFTER INSERT ON events
    FOR EACH ROW WHEN (NEW.metadata IS NOT NULL) EXECUTE FUNCTION metadata_added();
CREATE OR REPLACE TRIGGER events_metadata_removed AFTER DELETE ON events
    FOR EACH ROW WHEN (OLD.metadata IS NOT NULL) EXECUTE FUNCTION metadata_removed();
-- The triggers see to new events already. An event that is being removed is waited for, or waits: its values must not outlive it.
-- +goose StatementBegin
DO $$
DECLARE
    after text := '';
    last text;
BEGIN
    LOOP
        SELECT max(id) INTO last FROM (SELECT id FROM events WHERE id > after ORDER BY id LIMIT 10000) AS batch;
        EXIT WHEN last IS NULL;
        INSERT INTO event_metadata (value, tenant, event_id)
            SELECT DISTINCT m.value, e.tenant, e.id FROM (
                SELECT id, tenant, metadata, request FROM events WHERE id > after AND id <= last AND metadata IS NOT NULL FOR KEY SHARE
            ) AS e CROSS JOIN LATERAL jsonb_each_text(e.metadata::jsonb) AS m
            WHERE m.value <> '' AND (e.request IS NULL OR m.key = 'delivery_id')
            ON CONFLICT DO NOTHING;
        COMMIT;
        after := last;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER IF EXISTS events_metadata_removed ON events;
DROP TRIGGER IF EXISTS events_metadata_added ON events;
DROP FUNCTION IF EXISTS metadata_removed;
DROP FUNCTION IF EXISTS metadata_added;
DROP TABLE IF EXISTS event_metadata;
DROP INDEX IF EXISTS subscriptions_tenant_receiver;
DROP INDEX IF EXISTS subscriptions_receiver;
DROP INDEX IF EXISTS subscriptions_tenant_name;
DROP INDEX IF EXISTS subscriptions_name;
DROP INDEX IF EXISTS events_key;
