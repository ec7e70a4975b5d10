package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// expiry is how data end.
type expiry struct {
	find    func(q *gorm.DB, w window) (expiring, error)
	measure func(q *gorm.DB, batch expiring) (models.Removed, error)
	delete  func(tx *gorm.DB, batch expiring) error
	forward bool // a pass goes on where the last one has ended, instead of beginning anew
}

var expiries = map[models.Expiry]expiry{
	models.ExpireEvents:     {find: findEvents, measure: measureBatch, delete: deleteBatch, forward: true},
	models.ExpirePayloads:   {find: findEvents, measure: measureBatch, delete: deleteBatch, forward: true},
	models.ExpireLate:       {find: findLate, measure: measureBatch, delete: deleteBatch},
	models.ExpireRecoveries: {find: findRecoveries, measure: measureRecoveries, delete: deleteRecoveries},
	models.ExpireAudit:      {find: findAudit, measure: measureAudit, delete: deleteAudit},
}

// window says where a batch is.
type window struct {
	models.Ending
	before time.Time // what was last changed before it ends; zero: nothing does, except of tenants that say so
	after  string    // id of the row before it
	limit  int
	lock   bool // until the end of the transaction
}

// aim sets the time before which data end.
func (w *window) aim(q *gorm.DB) error {
	keep := w.Keep
	if w.Tenant != "" {
		tenant, err := readTenant(q, w.Tenant)
		if err != nil || !tenant.Decides(w.Expiry) {
			return err
		}
		keep = keep.For(tenant)
	}
	w.before = beginning(w.At, keep.Of(w.Expiry))
	return nil
}

// beginning is the time before which data end that are kept for so long; zero: they do not end.
func beginning(at time.Time, keep time.Duration) time.Time {
	if keep == 0 {
		return time.Time{}
	}
	return at.UTC().Add(-keep).Truncate(time.Microsecond)
}

// idle reports whether nothing ends.
func (w *window) idle() bool { return w.before.IsZero() && w.Expiry != models.ExpireLate }

func (w *window) rows(q *gorm.DB) *gorm.DB {
	if w.lock {
		return q.Clauses(forUpdate)
	}
	return q
}

// expiring are the rows of a batch.
type expiring struct {
	ended    []string // ids of the rows that end
	stripped []string // ids of the events that lose their payload
	rest     []string // ids of the events that are still needed
	settled  []string // ids of late events that are at rest, and stay
	kept     []string // ids of the events whose tenants keep them for longer, or remove them themselves
	last     string   // id of the last row that was looked at
	end      bool     // there is none after it
	alone    bool     // their days do not end with them
}

// Endings lists the passes that there are to make at the time. It leaves out those of single tenants that would find nothing.
func (s *Store) Endings(ctx context.Context, keep models.Retention, at time.Time) ([]models.Ending, error) {
	deciders, err := s.Deciders(ctx)
	if err != nil {
		return nil, err
	}
	var endings []models.Ending
	for _, what := range models.Expiries() {
		for _, tenant := range deciders { // before the installation's, which would move what ends now
			if !tenant.Decides(what) {
				continue
			}
			e := models.Ending{Expiry: what, Tenant: tenant.Name, Keep: keep, At: at}
			switch due, err := s.due(ctx, e); {
			case err != nil:
				return nil, err
			case due:
				endings = append(endings, e)
			}
		}
		if keep.Of(what) > 0 || what == models.ExpireLate && len(deciders) > 0 {
			endings = append(endings, models.Ending{Expiry: what, Keep: keep, At: at})
		}
	}
	return endings, nil
}

// due reports whether the pass of a tenant would find something, or was interrupted.
func (s *Store) due(ctx context.Context, e models.Ending) (bool, error) {
	q := s.read.WithContext(ctx)
	var rows []*retentionRow
	if err := q.Where("expiry = ? AND tenant = ?", e.Expiry, e.Tenant).Find(&rows).Error; err != nil || len(rows) == 0 {
		return false, translate("read retention", err)
	}
	w := window{Ending: e, after: rows[0].Reached, limit: 1}
	if err := w.aim(q); err != nil || w.idle() {
		return false, translate("read retention", err)
	}
	batch, err := expiries[e.Expiry].find(q, w)
	return batch.last != "" || rows[0].Walking, translate("read what ends", err)
}

// Deciders lists by name the tenants that say themselves when their data end.
func (s *Store) Deciders(ctx context.Context) ([]*models.Tenant, error) {
	return list(deciders(s.read.WithContext(ctx)).Order("name"), "list retentions", (*tenantRow).model)
}

func deciders(q *gorm.DB) *gorm.DB {
	return q.Where("retention IS NOT NULL OR payload_retention IS NOT NULL")
}

func findRecoveries(q *gorm.DB, w window) (expiring, error) {
	rows := q.Model(&recoveryRow{}).Where("status <> 'running' AND finished_at < ? AND id < ?", w.before, firstID(models.RecoveryPrefix, w.before))
	if w.Tenant != "" {
		rows = rows.Where("tenant = ?", w.Tenant)
	} else {
		rows = rows.Where("tenant NOT IN (SELECT name FROM tenants WHERE retention IS NOT NULL)")
	}
	return findRows(rows, w)
}

func findAudit(q *gorm.DB, w window) (expiring, error) {
	return findRows(q.Model(&auditRow{}).Where("id < ? AND at < ?", firstID(models.AuditPrefix, w.before), w.before), w)
}

// findRows finds rows that end, whatever others say.
func findRows(rows *gorm.DB, w window) (expiring, error) {
	var ids []string
	if err := sweep(rows, w.after, w.limit).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return expiring{end: true}, err
	}
	return expiring{ended: ids, last: ids[len(ids)-1], end: len(ids) < w.limit}, nil
}

func measureRecoveries(q *gorm.DB, batch expiring) (models.Removed, error) {
	m, err := measure(q, "recoveries", ofEvents, "octet_length(reason)", batch.ended)
	return models.Removed{Recoveries: m.Rows, Bytes: m.Bytes + entryBytes*int64(m.Rows)}, err
}

func deleteRecoveries(tx *gorm.DB, batch expiring) error {
	return change(tx, "DELETE FROM recoveries", ofEvents, batch.ended)
}

func measureAudit(q *gorm.DB, batch expiring) (models.Removed, error) {
	m, err := measure(q, "audit", ofEvents, "octet_length(reason)", batch.ended)
	return models.Removed{Entries: m.Rows, Bytes: m.Bytes + entryBytes*int64(m.Rows)}, err
}

func deleteAudit(tx *gorm.DB, batch expiring) error {
	return change(tx, "DELETE FROM audit", ofEvents, batch.ended)
}
