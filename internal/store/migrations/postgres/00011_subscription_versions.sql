-- +goose Up

-- Which state a tenant's subscriptions are in. Whoever remembers some of them uses what it remembers only while this is
-- what it was when they were read. Versions are random: one that is counted, or the number of a transaction, would come
-- back with other subscriptions after the database was set back in time. None is 0: half a UUID, with its first bit set.
CREATE TABLE subscription_versions (
    tenant  text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL DEFAULT ('x' || right(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint
);
INSERT INTO subscription_versions (tenant) SELECT DISTINCT tenant FROM subscriptions; -- so that TRUNCATE reaches them

-- Triggers, because then no kind of change can forget it, not even one that is made by hand. They are deferred to the
-- commit: there the lock on the tenant's row is the last one taken, and whoever changes one tenant's subscriptions waits
-- for nobody while having it. Whoever changes those of several takes these locks in the order of the changes, and should
-- make that the order of tenants: else two of them can be in each other's way until Postgres ends one.
-- +goose StatementBegin
CREATE FUNCTION subscription_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- Whoever changes something by hand, or restores it, may look for tables elsewhere. This ends with the function.
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA), true);
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE subscription_versions SET version = DEFAULT;
        RETURN NULL;
    END IF;
    INSERT INTO subscription_versions AS known (tenant)
    SELECT DISTINCT changed.tenant FROM (VALUES (OLD.tenant), (NEW.tenant)) AS changed (tenant)
    WHERE changed.tenant IS NOT NULL
    ON CONFLICT (tenant) DO UPDATE SET version = DEFAULT
    WHERE known.xmin <> pg_current_xact_id()::xid; -- once a transaction
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER subscription_changed AFTER INSERT OR UPDATE OR DELETE ON subscriptions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION subscription_changed();
CREATE CONSTRAINT TRIGGER subscription_changed AFTER INSERT OR UPDATE OR DELETE ON subscription_patterns
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION subscription_changed();
CREATE TRIGGER subscriptions_truncated AFTER TRUNCATE ON subscription_patterns -- no TRUNCATE leaves these out
    FOR EACH STATEMENT EXECUTE FUNCTION subscription_changed();

-- +goose Down
DROP TRIGGER subscriptions_truncated ON subscription_patterns;
DROP TRIGGER subscription_changed ON subscription_patterns;
DROP TRIGGER subscription_changed ON subscriptions;
DROP FUNCTION subscription_changed;
DROP TABLE subscription_versions;
