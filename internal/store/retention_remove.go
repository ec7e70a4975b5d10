package store

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// What rows take beside their contents, with indexes, as measured on Postgres.
const (
	eventBytes    = 750
	deliveryBytes = 640
	attemptBytes  = 270
	entryBytes    = 400
)

// hasExchange is the condition that an attempt holds what was sent or answered.
const hasExchange = "coalesce(request_headers, response_headers) IS NOT NULL"

// The conditions on rows of these events, of their deliveries and of their attempts.
const (
	ofEvents     = "id IN %s"
	ofDeliveries = "event_id IN %s"
	ofAttempts   = "delivery_id IN (SELECT id FROM deliveries WHERE event_id IN %s)"
	ofStops      = "(tenant, subject) IN (SELECT tenant, id FROM events WHERE id IN %s)"
)

// Bytes of what people wrote, without those that go with a partition.
const (
	eventContent    = "coalesce(octet_length(data), 0) + coalesce(octet_length(request), 0)"
	deliveryContent = "coalesce(octet_length(properties), 0)"
	attemptContent  = "coalesce(octet_length(request_headers), 0) + coalesce(octet_length(response_headers), 0) + coalesce(octet_length(response_body), 0)"
)

func measureEvents(q *gorm.DB, ids []string) (gone models.Removed, err error) {
	var events, deliveries, attempts measured
	for _, m := range []struct {
		into                   *measured
		table, where, contents string
		rest                   int64
	}{
		{&events, "events", ofEvents, eventContent, eventBytes},
		{&deliveries, "deliveries", ofDeliveries, deliveryContent, deliveryBytes},
		{&attempts, "attempts", ofAttempts, attemptContent, attemptBytes},
	} {
		if *m.into, err = measure(q, m.table, m.where, m.contents, ids); err != nil {
			return models.Removed{}, err
		}
		gone.Bytes += m.into.Bytes + m.rest*int64(m.into.Rows)
	}
	gone.Events, gone.Deliveries, gone.Attempts = events.Rows, deliveries.Rows, attempts.Rows
	return gone, nil
}

func measurePayloads(q *gorm.DB, ids []string) (gone models.Removed, err error) {
	gone, err = measureEvents(q, ids)
	gone.Bytes -= eventBytes*int64(gone.Events) + deliveryBytes*int64(gone.Deliveries) + attemptBytes*int64(gone.Attempts)
	return models.Removed{Payloads: gone.Events, Bytes: gone.Bytes}, err
}

func measureBatch(q *gorm.DB, batch expiring) (models.Removed, error) {
	ended, err := measureEvents(q, batch.ended)
	if err != nil {
		return models.Removed{}, err
	}
	stripped, err := measurePayloads(q, batch.stripped)
	if err != nil {
		return models.Removed{}, err
	}
	ended.Add(stripped)
	if batch.alone {
		bytes, err := measurePartitioned(q, slices.Concat(batch.ended, batch.stripped))
		ended.Bytes += bytes
		return ended, err
	}
	return ended, nil
}

// measurePartitioned returns the bytes that deletePartitioned deletes.
func measurePartitioned(q *gorm.DB, ids []string) (int64, error) {
	if !isPostgres(q) {
		return 0, nil
	}
	events, err := measure(q, "event_payloads", ofEvents, "octet_length(data)", ids)
	if err != nil {
		return 0, err
	}
	attempts, err := measure(q, "attempt_payloads", ofAttempts, attemptContent, ids)
	return events.Bytes + attempts.Bytes, err
}

type measured struct {
	Rows  int
	Bytes int64
}

func measure(q *gorm.DB, table, where, contents string, ids []string) (m measured, err error) {
	if len(ids) == 0 {
		return measured{}, nil
	}
	condition, args := these(q, where, ids)
	err = q.Table(table).Select("count(*) AS rows, coalesce(sum("+contents+"), 0) AS bytes").Where(condition, args...).Scan(&m).Error
	return m, err
}

// these is a condition on the rows of events.
func these(q *gorm.DB, where string, ids []string) (condition string, args []any) {
	list, args := among(q, ids)
	return fmt.Sprintf(where, list), args
}

// deleteBatch removes what has ended, and sees to it that what is still needed can do without the partitions.
func deleteBatch(tx *gorm.DB, batch expiring) error {
	if err := spare(tx, batch); err != nil {
		return err
	}
	if err := emptyPartitions(tx, batch); err != nil {
		return err
	}
	if err := deleteEvents(tx, batch.ended); err != nil {
		return err
	}
	return deletePayloads(tx, batch.stripped)
}

// spare notes which events are still needed at the end of their time. On Postgres, it takes what is large of all that stay into
// their own rows, because the partitions of their day are about to be dropped. Events that have settled lose the mark, so that
// further passes need not look at them, if a pass for those of their time will.
func spare(tx *gorm.DB, batch expiring) error {
	if isPostgres(tx) {
		stay := slices.Concat(batch.rest, batch.settled, batch.kept)
		if err := change(tx, inlineData, "data IS NULL AND "+ofEvents, stay); err != nil {
			return err
		}
		if err := change(tx, inlineExchanges, inlinable+" AND attempts."+ofAttempts, stay); err != nil {
			return err
		}
	}
	if err := change(tx, "UPDATE events SET payload_late = NULL", "id > "+reachedByAll+" AND "+ofEvents, batch.settled); err != nil {
		return err
	}
	return change(tx, "UPDATE events SET payload_late = true", "payload_late IS NULL AND "+ofEvents, batch.rest)
}

// markInlined marks an event whose payload was taken into its row, because a delivery of it is about to be opened: the attempts
// then go to partitions whose end no pass will bring together with this event. The event must be locked by an earlier statement:
// this one would not see what a pass that is under way makes of the event.
func markInlined(tx *gorm.DB, eventID string) error {
	if !isPostgres(tx) {
		return nil
	}
	return tx.Exec("UPDATE events SET payload_late = true WHERE data IS NOT NULL AND data <> '' AND payload_late IS NULL AND id = ?", eventID).Error
}

// emptyPartitions deletes what the events of the batch have in partitions that are not about to be dropped.
func emptyPartitions(tx *gorm.DB, batch expiring) error {
	ids := slices.Concat(batch.ended, batch.stripped)
	switch {
	case !isPostgres(tx):
		return nil
	case batch.alone:
		return deletePartitioned(tx, ids)
	}
	if err := change(tx, "DELETE FROM event_payloads_other", ofEvents, ids); err != nil {
		return err
	}
	return change(tx, "DELETE FROM attempt_payloads_other", ofAttempts, ids)
}

// deletePartitioned deletes what is large of events from whichever partition it is in, for those that cannot wait for the end of
// its day.
func deletePartitioned(tx *gorm.DB, ids []string) error {
	if !isPostgres(tx) {
		return nil
	}
	if err := change(tx, "DELETE FROM event_payloads", ofEvents, ids); err != nil {
		return err
	}
	return change(tx, "DELETE FROM attempt_payloads", ofAttempts, ids)
}

// These take what is large from the partitions into the rows of events and attempts.
const (
	inlineData      = "UPDATE events SET data = coalesce((SELECT p.data FROM event_payloads AS p WHERE p.id = events.id), '')"
	inlineExchanges = inlineFrom + "attempt_payloads AS p"
	inlineFrom      = `UPDATE attempts SET request_headers = p.request_headers, response_headers = p.response_headers,
		response_body = p.response_body FROM `
	inlinable = "p.delivery_id = attempts.delivery_id AND p.number = attempts.number AND attempts.request_headers IS NULL"
)

// deleteEvents deletes the rows of the smaller tables first, so that the database finds none that refer to a deleted row.
func deleteEvents(tx *gorm.DB, ids []string) error {
	for _, d := range []struct{ table, where string }{
		{"attempts", ofAttempts}, {"deliveries", ofDeliveries}, {"stops", ofStops}, {"events", ofEvents},
	} {
		if err := change(tx, "DELETE FROM "+d.table, d.where, ids); err != nil {
			return err
		}
	}
	return nil
}

// deletePayloads keeps the mark of events that no pass will look at any more.
func deletePayloads(tx *gorm.DB, ids []string) error {
	for _, u := range []struct{ update, where string }{
		{"UPDATE attempts SET request_headers = NULL, response_headers = NULL, response_body = NULL", hasExchange + " AND " + ofAttempts},
		{"UPDATE deliveries SET payload = '" + models.RemovedPayload + "', properties = NULL", ofDeliveries},
		{"UPDATE events SET data = '', request = NULL, payload_late = CASE WHEN id <= " + reachedFor + " THEN payload_late END", ofEvents},
	} {
		if err := change(tx, u.update, u.where, ids); err != nil {
			return err
		}
	}
	return nil
}

// reachedFor is how far the removal of events has come that the tenant decides about, or the installation.
const reachedFor = "(SELECT max(reached) FROM retention WHERE expiry = 'events' AND tenant IN ('', events.tenant))"

// reachedByAll is how far both removals have come, of events and of payloads, that look at the event: the tenant's if it has one,
// else the installation's.
const reachedByAll = `(SELECT coalesce(max(r.reached), '') FROM retention AS r WHERE r.expiry IN ('events', 'payloads') AND (
	r.tenant = events.tenant OR r.tenant = '' AND NOT EXISTS (
		SELECT 1 FROM retention AS own WHERE own.tenant = events.tenant AND own.expiry = r.expiry)))`

func change(tx *gorm.DB, statement, where string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	condition, args := these(tx, where, ids)
	return tx.Exec(statement+" WHERE "+condition, args...).Error
}
