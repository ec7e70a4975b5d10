-- +goose Up

-- Attempts that are not added up yet, each noted in the commit that recorded it, and cancellations. A row costs little: it has no
-- index, and is removed in seconds. "at" is a minute, in seconds since 1970.
CREATE TABLE attempt_marks (
    at              bigint NOT NULL,
    tenant          text COLLATE "C" NOT NULL,
    subscription_id text COLLATE "C" NOT NULL,
    event_type      text COLLATE "C" NOT NULL,
    class           text COLLATE "C" NOT NULL, -- of its error; empty: it succeeded
    bucket          smallint NOT NULL, -- of its duration; -1: this is no attempt
    exhausted       smallint NOT NULL, -- 1: it was the last retry, and failed
    cancelled       smallint NOT NULL  -- 1: the delivery was cancelled
);

-- Counts of attempts, for figures over time. "step" is how many minutes a row has: older rows are added up to hours, then to days.
CREATE TABLE attempt_stats (
    at                         bigint NOT NULL,
    step                       integer NOT NULL,
    tenant                     text COLLATE "C" NOT NULL,
    subscription_id            text COLLATE "C" NOT NULL,
    event_type                 text COLLATE "C" NOT NULL,
    attempts                   bigint NOT NULL DEFAULT 0,
    succeeded                  bigint NOT NULL DEFAULT 0,
    exhausted                  bigint NOT NULL DEFAULT 0,
    cancelled                  bigint NOT NULL DEFAULT 0,
    failed_status              bigint NOT NULL DEFAULT 0,
    failed_redirect            bigint NOT NULL DEFAULT 0,
    failed_timeout             bigint NOT NULL DEFAULT 0,
    failed_dns                 bigint NOT NULL DEFAULT 0,
    failed_connect             bigint NOT NULL DEFAULT 0,
    failed_tls                 bigint NOT NULL DEFAULT 0,
    failed_protocol            bigint NOT NULL DEFAULT 0,
    failed_blocked_destination bigint NOT NULL DEFAULT 0,
    failed_auth                bigint NOT NULL DEFAULT 0,
    h0                         bigint NOT NULL DEFAULT 0,
    h1                         bigint NOT NULL DEFAULT 0,
    h2                         bigint NOT NULL DEFAULT 0,
    h3                         bigint NOT NULL DEFAULT 0,
    h4                         bigint NOT NULL DEFAULT 0,
    h5                         bigint NOT NULL DEFAULT 0,
    h6                         bigint NOT NULL DEFAULT 0,
    h7                         bigint NOT NULL DEFAULT 0,
    h8                         bigint NOT NULL DEFAULT 0,
    h9                         bigint NOT NULL DEFAULT 0,
    h10                        bigint NOT NULL DEFAULT 0,
    h11                        bigint NOT NULL DEFAULT 0,
    h12                        bigint NOT NULL DEFAULT 0,
    h13                        bigint NOT NULL DEFAULT 0,
    h14                        bigint NOT NULL DEFAULT 0,
    h15                        bigint NOT NULL DEFAULT 0,
    h16                        bigint NOT NULL DEFAULT 0,
    h17                        bigint NOT NULL DEFAULT 0,
    h18                        bigint NOT NULL DEFAULT 0,
    h19                        bigint NOT NULL DEFAULT 0,
    h20                        bigint NOT NULL DEFAULT 0,
    h21                        bigint NOT NULL DEFAULT 0,
    h22                        bigint NOT NULL DEFAULT 0,
    h23                        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (subscription_id, step, at, event_type)
);
CREATE INDEX attempt_stats_tenant ON attempt_stats (tenant, at);
CREATE INDEX attempt_stats_at ON attempt_stats (at);

-- +goose Down
DROP TABLE attempt_stats;
DROP TABLE attempt_marks;
