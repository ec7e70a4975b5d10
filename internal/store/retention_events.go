package store

import (
	"fmt"
	"time"

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

// findEvents looks at the next events that were made before the given time, with not many more deliveries than events.
func findEvents(q *gorm.DB, w window) (expiring, error) {
	return findAmong(q, w, "id < ?", firstID(models.EventPrefix, w.before))
}

// findLate looks at the next of those events whose payloads were needed when their time came.
func findLate(q *gorm.DB, w window) (expiring, error) {
	return findAmong(q, w, "payload_late") // a literal, so that both databases see that the partial index applies
}

func findAmong(q *gorm.DB, w window, condition string, args ...any) (expiring, error) {
	var page []*eventRow
	rows := w.rows(q).Select("id", "tenant", "status", "deliveries").Where(condition, args...)
	if err := sweep(rows, w.after, w.limit).Find(&page).Error; err != nil || len(page) == 0 {
		return expiring{end: true}, err
	}
	batch := expiring{end: len(page) < w.limit}
	for i, deliveries := 0, 0; i < len(page); i++ {
		if deliveries += page[i].Deliveries; i > 0 && deliveries > 2*w.limit {
			page, batch.end = page[:i], false
		}
	}
	batch.last = page[len(page)-1].ID
	return batch, batch.sort(q, w, page)
}

// sort tells the events that end from those that are still needed.
func (b *expiring) sort(q *gorm.DB, w window, page []*eventRow) error {
	needed, err := recovering(q, w.before)
	if err != nil {
		return err
	}
	moving, err := movingSince(q, w, page)
	if err != nil {
		return err
	}
	for _, event := range page {
		if event.Status != models.EventPlanned || needed[event.Tenant] || moving[event.ID] {
			b.rest = append(b.rest, event.ID)
		} else {
			b.ended = append(b.ended, event.ID)
		}
	}
	return nil
}

// recovering returns the tenants that have a running recovery of what was made before the given time.
func recovering(q *gorm.DB, before time.Time) (map[string]bool, error) {
	var tenants []string
	err := q.Model(&recoveryRow{}).Where("status = 'running' AND since < ?", before).Pluck("tenant", &tenants).Error
	return setOf(tenants), err
}

// movingSince returns those of the events that have a delivery which is open, or has changed at the time or later. It compares
// here and not in the query, because Postgres compares what a locked row was before others let go of it.
func movingSince(q *gorm.DB, w window, page []*eventRow) (map[string]bool, error) {
	var rows []*deliveryRow
	some := anyOf(w.rows(q).Select("id", "event_id", "status", "updated_at"), "event_id", idsOf(page)).Order("id")
	err := some.Find(&rows).Error
	moving := map[string]bool{}
	for _, row := range rows {
		if !row.Status.Closed() || !row.UpdatedAt.Before(w.before) {
			moving[row.EventID] = true
		}
	}
	return moving, err
}

func idsOf(rows []*eventRow) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

func setOf(values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}

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

// spare notes which events are still needed at the end of their time. On Postgres, it takes what is large of them into their own
// rows, because the partitions of their day are about to be dropped, and removes what the ended events have in no partition.
func spare(tx *gorm.DB, batch expiring) error {
	if isPostgres(tx) {
		if err := change(tx, "DELETE FROM event_payloads_other", ofEvents, batch.ended); err != nil {
			return err
		}
		if err := change(tx, "DELETE FROM attempt_payloads_other", ofAttempts, batch.ended); err != nil {
			return err
		}
		if err := change(tx, inlineData, "data IS NULL AND "+ofEvents, batch.rest); err != nil {
			return err
		}
		if err := change(tx, inlineExchanges, inlinable+" AND attempts."+ofAttempts, batch.rest); err != nil {
			return err
		}
	}
	return change(tx, "UPDATE events SET payload_late = true", "payload_late IS NULL AND "+ofEvents, batch.rest)
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
	inlineExchanges = `UPDATE attempts SET request_headers = p.request_headers, response_headers = p.response_headers,
		response_body = p.response_body FROM attempt_payloads AS p`
	inlinable = "p.delivery_id = attempts.delivery_id AND p.number = attempts.number AND attempts.request_headers IS NULL"
)

// deleteEvents deletes the rows of the smaller tables first, so that the database finds none that refer to a deleted row.
func deleteEvents(tx *gorm.DB, batch expiring) error {
	if err := spare(tx, batch); err != nil {
		return err
	}
	for _, d := range []struct{ table, where string }{
		{"attempts", ofAttempts}, {"deliveries", ofDeliveries}, {"stops", ofStops}, {"events", ofEvents},
	} {
		if err := change(tx, "DELETE FROM "+d.table, d.where, batch.ended); err != nil {
			return err
		}
	}
	return nil
}

// deletePayloads also notes which events keep theirs for now.
func deletePayloads(tx *gorm.DB, batch expiring) error {
	if err := spare(tx, batch); err != nil {
		return err
	}
	for _, u := range []struct{ update, where string }{
		{"UPDATE attempts SET request_headers = NULL, response_headers = NULL, response_body = NULL", hasExchange + " AND " + ofAttempts},
		{"UPDATE deliveries SET payload = '" + models.RemovedPayload + "', properties = NULL", ofDeliveries},
		{"UPDATE events SET data = '', request = NULL, payload_late = NULL", ofEvents},
	} {
		if err := change(tx, u.update, u.where, batch.ended); err != nil {
			return err
		}
	}
	return nil
}

func change(tx *gorm.DB, statement, where string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	condition, args := these(tx, where, ids)
	return tx.Exec(statement+" WHERE "+condition, args...).Error
}

func findAudit(q *gorm.DB, w window) (expiring, error) {
	var ids []string
	rows := q.Model(&auditRow{}).Where("id < ? AND at < ?", firstID(models.AuditPrefix, w.before), w.before)
	if err := sweep(rows, w.after, w.limit).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return expiring{end: true}, err
	}
	return expiring{ended: ids, last: ids[len(ids)-1], end: len(ids) < w.limit}, nil
}

func measureAudit(q *gorm.DB, ids []string) (models.Removed, error) {
	m, err := measure(q, "audit", ofEvents, "octet_length(reason)", ids)
	return models.Removed{Entries: m.Rows, Bytes: m.Bytes + entryBytes*int64(m.Rows)}, err
}

func deleteAudit(tx *gorm.DB, batch expiring) error {
	return change(tx, "DELETE FROM audit", ofEvents, batch.ended)
}
