package store

import (
	"context"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// expirePage is how many rows are looked at in one commit. On SQLite all other writers wait for it.
func expirePage(tx *gorm.DB) int {
	if isPostgres(tx) {
		return 500
	}
	return 20
}

// retentionRow says how far a removal has come.
type retentionRow struct {
	Tenant     string        `gorm:"column:tenant;primaryKey"` // empty: the installation's
	Expiry     models.Expiry `gorm:"column:expiry;primaryKey"`
	Reached    string        `gorm:"column:reached"` // id of the last row that was looked at
	Horizon    *time.Time    `gorm:"column:horizon"`
	Walking    bool          `gorm:"column:walking"`
	FinishedAt *time.Time    `gorm:"column:finished_at"`
	Removed    int64         `gorm:"column:removed"`
	Bytes      int64         `gorm:"column:bytes"`
}

// TableName is for GORM.
func (retentionRow) TableName() string { return "retention" }

func (r *retentionRow) model() models.RetentionState {
	return models.RetentionState{
		Expiry: r.Expiry, Tenant: r.Tenant, Horizon: fromNullTime(r.Horizon), Reached: r.Reached, Walking: r.Walking, FinishedAt: fromNullTime(r.FinishedAt),
		Rows: r.Removed, Bytes: r.Bytes,
	}
}

// Retention says how far each removal has come, the installation's first.
func (s *Store) Retention(ctx context.Context) ([]models.RetentionState, error) {
	return list(s.read.WithContext(ctx).Order("tenant, expiry"), "read retention", (*retentionRow).model)
}

// Size returns how many bytes the database takes on disk, and how many of them are free for new rows, where that is known.
func (s *Store) Size(ctx context.Context) (size, free int64, err error) {
	query := "SELECT page_count * page_size AS size, freelist_count * page_size AS free FROM pragma_page_count, pragma_page_size, pragma_freelist_count"
	if s.dialect == goose.DialectPostgres {
		query = "SELECT pg_database_size(current_database()) AS size, 0 AS free"
	}
	var row struct{ Size, Free int64 }
	err = s.read.WithContext(ctx).Raw(query).Scan(&row).Error
	return row.Size, row.Free, translate("measure the database", err)
}

// Expire removes a batch of what has ended, in one commit, and reports whether the pass through the data is over: all are looked
// at, or another process is at it, or a pass was finished at the time again or later. Calls in several processes take batches of
// the same pass. An event ends as a whole, when it and its deliveries have not changed since; events that are not planned, have
// an open delivery, or may be wanted by a running recovery, do not end. The settings of tenants are those in force at the commit.
func (s *Store) Expire(ctx context.Context, e models.Ending, again time.Time) (gone models.Removed, over bool, err error) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	var dropBefore time.Time
	err = s.inTransaction(ctx, "remove "+string(e.Expiry), func(tx *gorm.DB) error {
		gone, over, dropBefore = models.Removed{}, true, time.Time{}
		row, err := lockRetention(tx, e.Expiry, e.Tenant)
		if err != nil || row == nil || !row.Walking && fromNullTime(row.FinishedAt).After(again) {
			return err
		}
		w := window{Ending: e, after: row.Reached, limit: expirePage(tx), lock: true}
		if err := w.aim(tx); err != nil || w.idle() {
			return err
		}
		if err := row.begin(tx, w.before); err != nil {
			return err
		}
		batch, err := expiries[e.Expiry].find(tx, w)
		if err != nil {
			return err
		}
		if gone, err = expiries[e.Expiry].remove(tx, batch); err != nil {
			return err
		}
		if over = batch.end; over {
			dropBefore = w.before
		}
		return row.advance(tx, batch, gone)
	})
	if err != nil {
		return models.Removed{}, false, err
	}
	if s.dialect != goose.DialectPostgres {
		return gone, over, s.shrink(ctx, gone)
	}
	dropped, err := s.dropPartitions(ctx, e, dropBefore)
	gone.Bytes += dropped
	return gone, over, err
}

// Expiring counts what Expire would remove, from the rows with ids above after, and returns the id of the last row that it has
// looked at; empty: it was the last of all. It changes nothing.
func (s *Store) Expiring(ctx context.Context, e models.Ending, after string) (models.Removed, string, error) {
	q, x := s.read.WithContext(ctx), expiries[e.Expiry]
	if after == "" && x.forward {
		if err := q.Model(&retentionRow{}).Where("expiry = ? AND tenant = ?", e.Expiry, e.Tenant).Pluck("reached", &after).Error; err != nil {
			return models.Removed{}, "", translate("read what ends", err)
		}
	}
	w := window{Ending: e, after: after, limit: expirePage(q)}
	if err := w.aim(q); err != nil || w.idle() {
		return models.Removed{}, "", translate("read what ends", err)
	}
	batch, err := x.find(q, w)
	if err != nil {
		return models.Removed{}, "", translate("read what ends", err)
	}
	gone, err := x.measure(q, batch)
	if err == nil && batch.end {
		batch.last = ""
		var dropped int64
		dropped, err = s.measurePartitions(ctx, e, w.before)
		gone.Bytes += dropped
	}
	return gone, batch.last, translate("measure what ends", err)
}

func (x expiry) remove(tx *gorm.DB, batch expiring) (models.Removed, error) {
	gone, err := x.measure(tx, batch)
	if err != nil {
		return models.Removed{}, err
	}
	return gone, x.delete(tx, batch)
}

// lockRetention keeps other processes from the removal until the end of the transaction. It returns nil if another one is at it.
func lockRetention(tx *gorm.DB, what models.Expiry, tenant string) (*retentionRow, error) {
	var rows []*retentionRow
	err := tx.Clauses(forUpdateIfFree).Where("expiry = ? AND tenant = ?", what, tenant).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// begin notes what may be removed from now on. The audit refuses any other removal.
func (r *retentionRow) begin(tx *gorm.DB, before time.Time) error {
	if fromNullTime(r.Horizon).Before(before) {
		r.Horizon = &before
	}
	r.Walking = true
	return r.save(tx, "horizon", "walking")
}

// save stores the columns. It says which row, because GORM leaves the tenant out of the key where it is empty.
func (r *retentionRow) save(tx *gorm.DB, columns ...string) error {
	row := tx.Model(&retentionRow{}).Where("tenant = ? AND expiry = ?", r.Tenant, r.Expiry)
	return row.Select(columns).Updates(r).Error
}

// advance notes that a batch has been removed.
func (r *retentionRow) advance(tx *gorm.DB, batch expiring, gone models.Removed) error {
	r.Reached, r.Removed, r.Bytes = max(r.Reached, batch.last), r.Removed+int64(gone.Rows()), r.Bytes+gone.Bytes
	if batch.end {
		at := now()
		r.Walking, r.FinishedAt = false, &at
		if !expiries[r.Expiry].forward {
			r.Reached = ""
		}
	}
	return r.save(tx, "reached", "walking", "finished_at", "removed", "bytes")
}

// decided are the expiries that a tenant can decide about.
var decided = []models.Expiry{models.ExpireEvents, models.ExpirePayloads, models.ExpireRecoveries}

// lockProgress reads how far the removals have come that a change of the tenant's settings concerns. It waits for batches that are
// under way, because they have read the settings before the change.
func lockProgress(tx *gorm.DB, tenant string) (progress []*retentionRow, err error) {
	rows := tx.Clauses(forUpdate).Where("tenant IN ?", []string{"", tenant}).Order("tenant, expiry")
	return progress, rows.Find(&progress).Error
}

// decide follows a change of the tenant's settings, with the rows of lockProgress.
func decide(tx *gorm.DB, tenant *models.Tenant, progress []*retentionRow) error {
	for _, what := range decided {
		if tenant.Decides(what) {
			row := retentionRow{Tenant: tenant.Name, Expiry: what}
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
				return err
			}
		}
	}
	for _, row := range progress {
		if row.Tenant != "" && !tenant.Decides(row.Expiry) {
			if err := handBack(tx, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// handBack ends the passes of a tenant. The pass of the installation may be further; it goes back to where the tenant's have come.
func handBack(tx *gorm.DB, row *retentionRow) error {
	if err := tx.Where("tenant = ? AND expiry = ?", row.Tenant, row.Expiry).Delete(&retentionRow{}).Error; err != nil {
		return err
	}
	back := tx.Model(&retentionRow{}).Where("tenant = '' AND expiry = ? AND reached > ?", row.Expiry, row.Reached)
	return back.Update("reached", row.Reached).Error
}
