-- +goose Up
CREATE TABLE attempts (
    delivery_id      text COLLATE "C" NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number           integer NOT NULL,
    started_at       timestamptz NOT NULL,
    url              text NOT NULL,
    request_headers  text,
    response_status  integer NOT NULL, -- 0: no answer
    response_headers text,
    response_body    bytea,
    response_cut     boolean NOT NULL,
    dns_us           bigint NOT NULL,
    connect_us       bigint NOT NULL,
    tls_us           bigint NOT NULL,
    first_byte_us    bigint NOT NULL,
    total_us         bigint NOT NULL,
    error_class      text NOT NULL,
    error            text NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- +goose Down
DROP TABLE attempts;
