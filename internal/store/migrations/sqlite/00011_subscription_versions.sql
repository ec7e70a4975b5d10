-- +goose Up

-- Which state a tenant's subscriptions are in. Whoever remembers some of them uses what it remembers only while this is
-- what it was when they were read. Versions are random: one that is counted would come back with other subscriptions
-- after an older copy of the file was put in its place. None is 0: all are odd.
CREATE TABLE subscription_versions (
    tenant  TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT (random() | 1)
);
INSERT INTO subscription_versions (tenant) SELECT DISTINCT tenant FROM subscriptions;

-- Triggers, because then no kind of change can forget it, not even one that is made by hand.
-- +goose StatementBegin
CREATE TRIGGER subscriptions_inserted AFTER INSERT ON subscriptions BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (NEW.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriptions_updated AFTER UPDATE ON subscriptions BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (OLD.tenant), (NEW.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriptions_deleted AFTER DELETE ON subscriptions BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (OLD.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_inserted AFTER INSERT ON subscription_patterns BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (NEW.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_updated AFTER UPDATE ON subscription_patterns BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (OLD.tenant), (NEW.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_deleted AFTER DELETE ON subscription_patterns BEGIN
    INSERT INTO subscription_versions (tenant) VALUES (OLD.tenant)
    ON CONFLICT (tenant) DO UPDATE SET version = excluded.version;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER subscriptions_inserted;
DROP TRIGGER subscriptions_updated;
DROP TRIGGER subscriptions_deleted;
DROP TRIGGER subscription_patterns_inserted;
DROP TRIGGER subscription_patterns_updated;
DROP TRIGGER subscription_patterns_deleted;
DROP TABLE subscription_versions;
