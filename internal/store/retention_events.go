package store

import (
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// settling is for how long an event is at rest before it counts as settled: an attempt that was under way when its delivery was
// closed has been recorded long before.
const settling = time.Hour

// endingRow is what matters of an event to its end.
type endingRow struct {
	ID         string
	Tenant     string
	Status     models.EventStatus
	Deliveries int
	Stripped   bool // it has lost its payload
}

// findEvents looks at the next events that were made before the given time, with not many more deliveries than events. The pass
// of the installation looks at the events of all tenants, because it ends with the drop of their days.
func findEvents(q *gorm.DB, w window) (expiring, error) {
	return findAmong(equal(q, "tenant", w.Tenant), q, w, "id < ?", firstID(models.EventPrefix, w.before))
}

// findLate looks at the next of those events that were needed when their time came.
func findLate(q *gorm.DB, w window) (expiring, error) {
	return findAmong(q, q, w, "payload_late") // a literal, so that both databases see that the partial index applies
}

func findAmong(some, q *gorm.DB, w window, condition string, args ...any) (expiring, error) {
	var page []*endingRow
	rows := w.rows(some.Table("events")).Select("id, tenant, status, deliveries, coalesce(octet_length(data) = 0, false) AS stripped")
	if err := sweep(rows.Where(condition, args...), w.after, w.limit).Find(&page).Error; err != nil || len(page) == 0 {
		return expiring{end: true}, err
	}
	batch := expiring{end: len(page) < w.limit, alone: w.Tenant != "" || w.Expiry == models.ExpireLate}
	for i, deliveries := 0, 0; i < len(page); i++ {
		if deliveries += page[i].Deliveries; i > 0 && deliveries > 2*w.limit {
			page, batch.end = page[:i], false
		}
	}
	batch.last = page[len(page)-1].ID
	return batch, batch.sort(q, w, page)
}

// sort tells the events that end from those that are still needed.
func (b *expiring) sort(q *gorm.DB, w window, page []*endingRow) error {
	deciders, err := decidersOf(q, page)
	if err != nil {
		return err
	}
	need, err := needOf(q, w, page)
	if err != nil {
		return err
	}
	for _, event := range page {
		if w.Expiry == models.ExpireLate {
			b.addLate(event, need, w.At, w.Keep.For(deciders[event.Tenant]))
		} else {
			b.add(event, need, w, w.Tenant == "" && deciders[event.Tenant].Decides(w.Expiry))
		}
	}
	return nil
}

func (b *expiring) add(event *endingRow, need need, w window, elsewhere bool) {
	switch {
	case !need.ended(event, w.before):
		b.rest = append(b.rest, event.ID)
	case elsewhere:
		b.kept = append(b.kept, event.ID)
	case w.Expiry == models.ExpireEvents:
		b.ended = append(b.ended, event.ID)
	case !event.Stripped:
		b.stripped = append(b.stripped, event.ID)
	}
}

func (b *expiring) addLate(event *endingRow, need need, at time.Time, keep models.Retention) {
	switch {
	case need.ended(event, beginning(at, keep.Of(models.ExpireEvents))):
		b.ended = append(b.ended, event.ID)
	case !event.Stripped && need.ended(event, beginning(at, keep.Of(models.ExpirePayloads))):
		b.stripped = append(b.stripped, event.ID)
	case need.ended(event, beginning(at, settling)):
		b.settled = append(b.settled, event.ID)
	default:
		b.rest = append(b.rest, event.ID)
	}
}

// decidersOf returns the tenant of each event, with its retention if it has one of its own.
func decidersOf(q *gorm.DB, page []*endingRow) (map[string]*models.Tenant, error) {
	tenants, names := map[string]*models.Tenant{}, []string{}
	for _, event := range page {
		if tenants[event.Tenant] == nil {
			tenants[event.Tenant] = &models.Tenant{Name: event.Tenant}
			names = append(names, event.Tenant)
		}
	}
	found, err := list(anyOf(deciders(q), "name", names), "read retentions", (*tenantRow).model)
	for _, tenant := range found {
		tenants[tenant.Name] = tenant
	}
	return tenants, err
}

// need says until when the events of a page were needed.
type need struct {
	changed    map[string]time.Time // event: last change of its deliveries; the present while one is open
	recovering map[string]time.Time // tenant: a running recovery may want what was made from then on
}

// ended reports whether the event was made before the time, and nothing has needed it since. Nothing has ended at the zero time.
func (n need) ended(event *endingRow, before time.Time) bool {
	if before.IsZero() || event.Status != models.EventPlanned || event.ID >= firstID(models.EventPrefix, before) {
		return false
	}
	since, recovering := n.recovering[event.Tenant]
	return n.changed[event.ID].Before(before) && (!recovering || !since.Before(before))
}

// needOf compares nothing in its queries, because Postgres compares what a locked row was before others let go of it.
func needOf(q *gorm.DB, w window, page []*endingRow) (need, error) {
	n := need{changed: map[string]time.Time{}, recovering: map[string]time.Time{}}
	var recoveries []*recoveryRow
	if err := q.Select("tenant", "since").Where("status = 'running'").Order("since DESC").Find(&recoveries).Error; err != nil {
		return n, err
	}
	for _, row := range recoveries { // the earliest is the last
		n.recovering[row.Tenant] = row.Since
	}
	var rows []*deliveryRow
	some := anyOf(w.rows(q).Select("id", "event_id", "status", "updated_at"), "event_id", idsOf(page)).Order("id")
	err := some.Find(&rows).Error
	for _, row := range rows {
		changed := row.UpdatedAt
		if !row.Status.Closed() {
			changed = w.At
		}
		if n.changed[row.EventID].Before(changed) {
			n.changed[row.EventID] = changed
		}
	}
	return n, err
}

func idsOf(rows []*endingRow) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}
