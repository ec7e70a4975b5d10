-- +goose Up

-- Attempts that are not added up yet, each noted in the commit that recorded it, and cancellations. A row costs little: it has no
-- index, and is removed in seconds. "at" is a minute, in seconds since 1970.
CREATE TABLE attempt_marks (
    at              INTEGER NOT NULL,
    tenant          TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    class           TEXT NOT NULL, -- of its error; empty: it succeeded
    bucket          INTEGER NOT NULL, -- of its duration; -1: this is no attempt
    exhausted       INTEGER NOT NULL, -- 1: it was the last retry, and failed
    cancelled       INTEGER NOT NULL  -- 1: the delivery was cancelled
);

-- Counts of attempts, for figures over time. "step" is how many minutes a row has: older rows are added up to hours, then to days.
CREATE TABLE attempt_stats (
    at                         INTEGER NOT NULL,
    step                       INTEGER NOT NULL,
    tenant                     TEXT NOT NULL,
    subscription_id            TEXT NOT NULL,
    event_type                 TEXT NOT NULL,
    attempts                   INTEGER NOT NULL DEFAULT 0,
    succeeded                  INTEGER NOT NULL DEFAULT 0,
    exhausted                  INTEGER NOT NULL DEFAULT 0,
    cancelled                  INTEGER NOT NULL DEFAULT 0,
    failed_status              INTEGER NOT NULL DEFAULT 0,
    failed_redirect            INTEGER NOT NULL DEFAULT 0,
    failed_timeout             INTEGER NOT NULL DEFAULT 0,
    failed_dns                 INTEGER NOT NULL DEFAULT 0,
    failed_connect             INTEGER NOT NULL DEFAULT 0,
    failed_tls                 INTEGER NOT NULL DEFAULT 0,
    failed_protocol            INTEGER NOT NULL DEFAULT 0,
    failed_blocked_destination INTEGER NOT NULL DEFAULT 0,
    failed_auth                INTEGER NOT NULL DEFAULT 0,
    h0                         INTEGER NOT NULL DEFAULT 0,
    h1                         INTEGER NOT NULL DEFAULT 0,
    h2                         INTEGER NOT NULL DEFAULT 0,
    h3                         INTEGER NOT NULL DEFAULT 0,
    h4                         INTEGER NOT NULL DEFAULT 0,
    h5                         INTEGER NOT NULL DEFAULT 0,
    h6                         INTEGER NOT NULL DEFAULT 0,
    h7                         INTEGER NOT NULL DEFAULT 0,
    h8                         INTEGER NOT NULL DEFAULT 0,
    h9                         INTEGER NOT NULL DEFAULT 0,
    h10                        INTEGER NOT NULL DEFAULT 0,
    h11                        INTEGER NOT NULL DEFAULT 0,
    h12                        INTEGER NOT NULL DEFAULT 0,
    h13                        INTEGER NOT NULL DEFAULT 0,
    h14                        INTEGER NOT NULL DEFAULT 0,
    h15                        INTEGER NOT NULL DEFAULT 0,
    h16                        INTEGER NOT NULL DEFAULT 0,
    h17                        INTEGER NOT NULL DEFAULT 0,
    h18                        INTEGER NOT NULL DEFAULT 0,
    h19                        INTEGER NOT NULL DEFAULT 0,
    h20                        INTEGER NOT NULL DEFAULT 0,
    h21                        INTEGER NOT NULL DEFAULT 0,
    h22                        INTEGER NOT NULL DEFAULT 0,
    h23                        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscription_id, step, at, event_type)
);
CREATE INDEX attempt_stats_tenant ON attempt_stats (tenant, at);
CREATE INDEX attempt_stats_at ON attempt_stats (at);

-- +goose Down
DROP TABLE attempt_stats;
DROP TABLE attempt_marks;
