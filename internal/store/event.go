package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

type eventRow struct {
	ID             string             `gorm:"column:id;primaryKey"`
	Tenant         string             `gorm:"column:tenant"`
	Type           string             `gorm:"column:type"`
	Metadata       map[string]string  `gorm:"column:metadata;serializer:json"`
	IdempotencyKey *string            `gorm:"column:idempotency_key"` // nil: none
	Request        *models.Received   `gorm:"column:request;serializer:json"`
	Traceparent    *string            `gorm:"column:traceparent"` // nil: none
	Fingerprint    []byte             `gorm:"column:fingerprint"`
	Status         models.EventStatus `gorm:"column:status"`
	PlannedBy      string             `gorm:"column:planned_by"`
	Deliveries     int                `gorm:"column:deliveries"`
	Epoch          int64              `gorm:"column:epoch;<-:update"` // insertEvents knows it
	CreatedAt      time.Time          `gorm:"column:created_at;autoCreateTime:false"`
	Data           []byte             `gorm:"column:data"` // the last, so that the driver need not copy it again to add others
}

// TableName is for GORM.
func (eventRow) TableName() string { return "events" }

func newEventRow(e *models.Event) *eventRow {
	row := &eventRow{
		ID: e.ID, Tenant: e.Tenant, Type: e.Type, Data: e.Data, Metadata: e.Metadata, Request: e.Received,
		Fingerprint: []byte{}, Status: e.Status, CreatedAt: e.CreatedAt,
	}
	if e.IdempotencyKey != "" { // only events with the same key are compared
		row.IdempotencyKey, row.Fingerprint = &e.IdempotencyKey, e.Fingerprint()
	}
	if e.Traceparent != "" {
		row.Traceparent = &e.Traceparent
	}
	return row
}

func (r *eventRow) model() *models.Event {
	return &models.Event{
		ID: r.ID, Tenant: r.Tenant, Type: r.Type, Data: r.Data, Metadata: r.Metadata,
		IdempotencyKey: r.key(), Received: r.Request, Traceparent: r.trace(), Status: r.Status, PlannedBy: r.PlannedBy,
		Deliveries: r.Deliveries, CreatedAt: r.CreatedAt.UTC(),
	}
}

// planned is what a plan tells of an event that it has planned.
func (r *eventRow) planned() models.Planned {
	return models.Planned{EventRef: r.ref(), Tenant: r.Tenant, Deliveries: r.Deliveries, Traceparent: r.trace()}
}

func (r *eventRow) ref() models.EventRef { return models.EventRef{EventID: r.ID, EventType: r.Type} }

// brief is all that sweeps read of an event.
func (r *eventRow) brief() *models.Event {
	return &models.Event{ID: r.ID, Tenant: r.Tenant, Type: r.Type}
}

// size is about how many bytes the row takes.
func (r *eventRow) size() int {
	const rest = 512 // of each, about
	size := rest + len(r.Data)
	for key, value := range r.Metadata {
		size += len(key) + len(value)
	}
	return size
}

func (r *eventRow) key() string { return textOf(r.IdempotencyKey) }

func (r *eventRow) trace() string { return textOf(r.Traceparent) }

// textOf is the text of a column; empty for NULL.
func textOf(column *string) string {
	if column == nil {
		return ""
	}
	return *column
}

// Event returns the event with the id, or a CodeNotFound error.
func (s *Store) Event(ctx context.Context, id string) (*models.Event, error) {
	row, err := take[eventRow](withData(s.read.WithContext(ctx)), "event", id)
	if err != nil {
		return nil, translate("read event", err)
	}
	return row.model(), nil
}

// Events returns a page of the events that the filter selects, newest first by id. Page.Limit is honoured up to
// models.MaxPageLimit+1.
func (s *Store) Events(ctx context.Context, f models.EventFilter) ([]*models.Event, error) {
	q := withData(s.read.WithContext(ctx))
	q = equal(q, "tenant", f.Tenant)
	q = equal(q, "type", f.Type)
	q = equal(q, "idempotency_key", f.IdempotencyKey)
	return list(page(createdBetween(q, f.Since, f.Until), f.Page), "list events", (*eventRow).model)
}

// withData selects whole events. On Postgres, the data are in a table of their own, except for events that came before it was
// made, or whose data are needed longer than most of their day.
func withData(q *gorm.DB) *gorm.DB {
	if !isPostgres(q) {
		return q
	}
	return q.Select(`id, tenant, type, metadata, idempotency_key, request, traceparent, fingerprint, status, planned_by, deliveries, epoch, created_at,
		COALESCE(data, (SELECT p.data FROM event_payloads AS p WHERE p.id = events.id)) AS data`)
}

// hasPayload is the condition that an event's data have not been removed.
func hasPayload(q *gorm.DB) string {
	if !isPostgres(q) {
		return "octet_length(data) > 0"
	}
	return "COALESCE(octet_length(data), (SELECT 1 FROM event_payloads AS p WHERE p.id = events.id LIMIT 1)) > 0"
}

// idSlack is far more than ever lies between an event's time and the time in its id.
const idSlack = time.Hour

// createdBetween selects events that were created at or after since and before until; a zero time is no bound. Conditions on
// the id find their way through the index that the list goes through anyway; the conditions on the time are exact.
func createdBetween(q *gorm.DB, since, until time.Time) *gorm.DB {
	if !since.IsZero() {
		q = q.Where("id >= ? AND created_at >= ?", firstID(models.EventPrefix, since.Add(-idSlack)), since)
	}
	if !until.IsZero() {
		q = q.Where("id < ? AND created_at < ?", firstID(models.EventPrefix, until.Add(idSlack)), until)
	}
	return q
}

// Backlog returns how many events are stored but not planned, and when the oldest of them was made; the zero time when
// there is none.
func (s *Store) Backlog(ctx context.Context) (count int, oldest time.Time, err error) {
	var row struct {
		Count int
		First string
	}
	// By id, which is by time: the partial index on accepted events knows no other.
	err = s.read.WithContext(ctx).Model(&eventRow{}).Where("status = 'accepted'").
		Select("count(*) AS count, coalesce(min(id), '') AS first").Scan(&row).Error
	if err != nil || row.First == "" {
		return row.Count, time.Time{}, translate("measure backlog", err)
	}
	return row.Count, idTime(models.EventPrefix, row.First), nil
}

// AcceptedEvents returns up to limit events of the tenant that are stored but not planned, created before the given
// time, with ids above after, oldest first. Only their id, tenant and type are filled in. These events wait to be started;
// an event whose process died is found here, too.
func (s *Store) AcceptedEvents(
	ctx context.Context, tenant string, before time.Time, after string, limit int,
) ([]*models.Event, error) {
	// The status is a literal so that both databases see that the partial index applies.
	q := s.read.WithContext(ctx).Select("id", "tenant", "type").Where("status = 'accepted' AND tenant = ?", tenant).
		Where("created_at < ?", before)
	return list(sweep(q, after, limit), "list accepted events", (*eventRow).brief)
}

// Accepted reports whether the event with the id is stored but not planned. An unknown one is not.
func (s *Store) Accepted(ctx context.Context, id string) (bool, error) {
	var count int64
	q := s.read.WithContext(ctx).Model(&eventRow{}).Where("id = ? AND status = 'accepted'", id)
	err := q.Count(&count).Error
	return count > 0, translate("look for an accepted event", err)
}

// AcceptedTenants returns up to limit tenants that have an event which is stored but not planned and whose id was made
// before the given time, above after, by name. It costs a step for each tenant that has any, however many events wait.
func (s *Store) AcceptedTenants(ctx context.Context, before time.Time, after string, limit int) ([]string, error) {
	const query = `WITH RECURSIVE waiting (tenant) AS (
			SELECT min(tenant) FROM events WHERE status = 'accepted' AND tenant > ?
			UNION ALL
			SELECT (SELECT min(tenant) FROM events WHERE status = 'accepted' AND tenant > waiting.tenant)
			FROM waiting WHERE tenant IS NOT NULL
		)
		SELECT tenant FROM waiting
		WHERE (SELECT min(id) FROM events WHERE status = 'accepted' AND events.tenant = waiting.tenant) < ?
		LIMIT ?`
	var tenants []string
	err := s.read.WithContext(ctx).Raw(query, after, firstID(models.EventPrefix, before), max(limit, 0)).Scan(&tenants).Error
	return tenants, translate("list tenants with accepted events", err)
}
