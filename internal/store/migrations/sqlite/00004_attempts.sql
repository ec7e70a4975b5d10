-- +goose Up
CREATE TABLE attempts (
    delivery_id      TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number           INTEGER NOT NULL,
    started_at       TIMESTAMP NOT NULL,
    url              TEXT NOT NULL,
    request_headers  TEXT,
    response_status  INTEGER NOT NULL, -- 0: no answer
    response_headers TEXT,
    response_body    BLOB,
    response_cut     BOOLEAN NOT NULL,
    dns_us           INTEGER NOT NULL,
    connect_us       INTEGER NOT NULL,
    tls_us           INTEGER NOT NULL,
    first_byte_us    INTEGER NOT NULL,
    total_us         INTEGER NOT NULL,
    error_class      TEXT NOT NULL,
    error            TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- +goose Down
DROP TABLE attempts;
