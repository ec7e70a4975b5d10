-- +goose Up

-- Which state a tenant's subscriptions are in. Whoever remembers some of them uses what it remembers only while this is
-- what it was when they were read.
CREATE TABLE subscription_versions (
    tenant  TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
);

-- Triggers, because then no kind of change can forget it, not even one that is made by hand.
-- +goose StatementBegin
CREATE TRIGGER subscriptions_inserted AFTER INSERT ON subscriptions BEGIN
    INSERT INTO subscription_versions VALUES (NEW.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriptions_updated AFTER UPDATE ON subscriptions BEGIN
    INSERT INTO subscription_versions VALUES (OLD.tenant, 1), (NEW.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriptions_deleted AFTER DELETE ON subscriptions BEGIN
    INSERT INTO subscription_versions VALUES (OLD.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_inserted AFTER INSERT ON subscription_patterns BEGIN
    INSERT INTO subscription_versions VALUES (NEW.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_updated AFTER UPDATE ON subscription_patterns BEGIN
    INSERT INTO subscription_versions VALUES (OLD.tenant, 1), (NEW.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_patterns_deleted AFTER DELETE ON subscription_patterns BEGIN
    INSERT INTO subscription_versions VALUES (OLD.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = version + 1;
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
