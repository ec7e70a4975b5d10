-- +goose Up
-- What is large lives apart from what is searched and changed, in tables with a partition for each day of the id, which is
-- dropped as a whole. The program makes the partitions ahead of time; what has none goes to the one named "other". Rows of
-- before this migration keep what they have, and go row by row. So nothing is copied here.
CREATE TABLE event_payloads (
    id   text COLLATE "C" NOT NULL, -- of the event, in whose table it is unique
    data bytea NOT NULL -- never jsonb, which reorders keys: signatures cover these very bytes
) PARTITION BY RANGE (id);
CREATE INDEX event_payloads_id ON event_payloads (id);
CREATE TABLE event_payloads_other PARTITION OF event_payloads DEFAULT;

CREATE TABLE attempt_payloads (
    delivery_id      text COLLATE "C" NOT NULL, -- with the number the key of the attempt, in whose table it is unique
    number           integer NOT NULL,
    request_headers  text,
    response_headers text,
    response_body    bytea
) PARTITION BY RANGE (delivery_id);
CREATE INDEX attempt_payloads_delivery ON attempt_payloads (delivery_id);
CREATE TABLE attempt_payloads_other PARTITION OF attempt_payloads DEFAULT;

ALTER TABLE events ALTER COLUMN data DROP NOT NULL; -- NULL: it is in event_payloads

-- +goose Down
UPDATE events SET data = coalesce((SELECT p.data FROM event_payloads AS p WHERE p.id = events.id), '') WHERE data IS NULL;
UPDATE attempts SET request_headers = p.request_headers, response_headers = p.response_headers, response_body = p.response_body
FROM attempt_payloads AS p WHERE p.delivery_id = attempts.delivery_id AND p.number = attempts.number;
ALTER TABLE events ALTER COLUMN data SET NOT NULL;
DROP TABLE attempt_payloads;
DROP TABLE event_payloads;
