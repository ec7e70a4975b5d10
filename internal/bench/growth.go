package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// growth measures throughput and latency with more and more stored events.
func growth(ctx context.Context, b *bench) ([]Result, error) {
	if b.Postgres.url == "" {
		return nil, errors.New("there is no Postgres to be filled")
	}
	fast := load{scenario: "growth", events: b.events(5000), batch: 1, bytes: smallBody, subscribers: 1}
	slow := fast
	slow.events, slow.oneByOne = min(fast.events, 200), true
	f, err := b.subscribeWarm(ctx, fast) // leaves the events that are copied
	f.clear(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.Settle); err != nil {
		return nil, err
	}
	var all []Result
	for _, size := range b.Sizes {
		if err := b.Postgres.fill(ctx, size, func(done int) { b.Progress("growth: stored events", done, size) }); err != nil {
			return nil, fmt.Errorf("fill the database: %w", err)
		}
		fast.variant, slow.variant = fmt.Sprintf("rate at %d", size), fmt.Sprintf("latency at %d", size)
		results, err := b.measureAll(ctx, fast, slow)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
		compare(all[0], results[0], "deliveries_per_second")
		compare(all[1], results[1], "delivery_p50_ms")
	}
	return all, nil
}

// compare adds by how many percent a metric differs from the first result's.
func compare(first, r Result, metric string) {
	if was, is := first.Metrics[metric], r.Metrics[metric]; was > 0 && is > 0 { // else all was lost
		r.Metrics[metric+"_moved_percent"] = (is - was) / was * 100
	}
}

// historyChunk is how many events one statement copies.
const historyChunk = 100_000

// fill copies a delivered event, with its delivery and its attempt, until so many events are stored. The copies are of other
// tenants, have random ids that sort before all real ones, and are a second apart. They are vacuumed and analysed, as they
// would be if they had come in time. It fails if more events are stored.
func (p Postgres) fill(ctx context.Context, events int, progress func(done int)) error {
	connection, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }() // all is written
	var stored, copied int
	err = connection.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE id < 'evt_01') FROM events").Scan(&stored, &copied)
	if err != nil {
		return err
	}
	if stored > events {
		return fmt.Errorf("%d events are stored already: use an empty database", stored)
	}
	for progress(stored); stored < events; progress(stored) {
		n := min(historyChunk, events-stored)
		if err := copyEvents(ctx, connection, copied+1, copied+n); err != nil {
			return err
		}
		stored, copied = stored+n, copied+n
	}
	if _, err = connection.Exec(ctx, "VACUUM (ANALYZE) events, deliveries, attempts"); err != nil {
		return err
	}
	if _, err = connection.Exec(ctx, "CHECKPOINT"); err != nil { // else Postgres writes the copies to disk during the measurement
		return fmt.Errorf("use a role that may CHECKPOINT: %w", err)
	}
	return nil
}

// copyEvents copies a delivered event once for each number from first to last. The digits of the ids are decimal, which are
// digits of an id, too.
func copyEvents(ctx context.Context, connection *pgx.Conn, first, last int) error {
	const (
		id = `'0' || lpad(n::text, 9, '0') || lpad(abs(hashint8extended(n, 1))::text, 16, '0')`
		at = `to_timestamp(1700000000 + n)`
	)
	tag, err := connection.Exec(ctx, `
		WITH sample AS MATERIALIZED (
			SELECT e.*, d.id AS delivery, coalesce(e.data, p.data) AS content FROM events AS e JOIN deliveries AS d ON d.event_id = e.id
			LEFT JOIN event_payloads AS p ON p.id = e.id
			WHERE e.id > 'evt_01' AND d.status = 'delivered' ORDER BY e.id DESC LIMIT 1
		), numbers AS MATERIALIZED (
			SELECT n, substr(`+id+`, 1, 26) AS id, 'history-' || n % 10 AS tenant, `+at+` AS at FROM generate_series($1::bigint, $2::bigint) AS n
		), e AS (
			INSERT INTO events (id, tenant, type, data, metadata, idempotency_key, fingerprint, status, deliveries, created_at, request, epoch, planned_by)
			SELECT 'evt_' || numbers.id, numbers.tenant, s.type, s.content, s.metadata, s.idempotency_key || n, s.fingerprint, s.status, s.deliveries,
				numbers.at, s.request, s.epoch, s.planned_by
			FROM sample AS s, numbers
		), d AS (
			INSERT INTO deliveries (id, event_id, subscription_id, tenant, event_type, position, status, attempts, forwarded, next_attempt_at,
				last_error, reason, payload, properties, created_at, updated_at, claimed_until, epoch, failing_since, halted)
			SELECT 'dlv_' || numbers.id, 'evt_' || numbers.id, d.subscription_id, numbers.tenant, d.event_type, d.position, d.status, d.attempts,
				d.forwarded, d.next_attempt_at, d.last_error, d.reason, d.payload, d.properties, numbers.at, numbers.at, d.claimed_until,
				d.epoch, d.failing_since, d.halted
			FROM sample AS s JOIN deliveries AS d ON d.id = s.delivery, numbers
		)
		INSERT INTO attempts (delivery_id, number, started_at, url, request_headers, response_status, response_headers, response_body,
			response_cut, dns_us, connect_us, tls_us, first_byte_us, total_us, error_class, error)
		SELECT 'dlv_' || numbers.id, a.number, numbers.at, a.url, coalesce(a.request_headers, p.request_headers), a.response_status,
			coalesce(a.response_headers, p.response_headers), coalesce(a.response_body, p.response_body), a.response_cut, a.dns_us, a.connect_us, a.tls_us, a.first_byte_us, a.total_us, a.error_class, a.error
		FROM sample AS s JOIN attempts AS a ON a.delivery_id = s.delivery
			LEFT JOIN attempt_payloads AS p ON p.delivery_id = a.delivery_id AND p.number = a.number, numbers`, first, last)
	if err == nil && tag.RowsAffected() == 0 {
		return errors.New("no delivered event is there to be copied")
	}
	return err
}
