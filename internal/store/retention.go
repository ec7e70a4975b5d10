package store

import (
	"context"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// expirePage is how many rows are looked at in one commit. On SQLite all other writers wait for it.
func expirePage(tx *gorm.DB) int {
	if isPostgres(tx) {
		return 500
	}
	return 100
}

// retentionRow says how far a removal has come.
type retentionRow struct {
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
		Expiry: r.Expiry, Horizon: fromNullTime(r.Horizon), Walking: r.Walking, FinishedAt: fromNullTime(r.FinishedAt),
		Rows: r.Removed, Bytes: r.Bytes,
	}
}

// Retention says how far each removal has come.
func (s *Store) Retention(ctx context.Context) ([]models.RetentionState, error) {
	return list(s.read.WithContext(ctx).Order("expiry"), "read retention", (*retentionRow).model)
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

// Expire removes a batch of what ended before the given time, in one commit, and reports whether the pass through the data is
// over: all are looked at, or another process is at it, or a pass was finished at the time again or later. Calls in several
// processes take batches of the same pass. An event ends as a whole, when it and its deliveries have not changed since; events
// that are not planned, have an open delivery, or may be wanted by a running recovery, do not end.
func (s *Store) Expire(ctx context.Context, what models.Expiry, before, again time.Time) (gone models.Removed, over bool, err error) {
	before = before.UTC().Truncate(time.Microsecond)
	ended := false
	err = s.inTransaction(ctx, "remove "+string(what), func(tx *gorm.DB) error {
		gone, over, ended = models.Removed{}, true, false
		row, err := lockRetention(tx, what)
		if err != nil || row == nil || !row.Walking && fromNullTime(row.FinishedAt).After(again) {
			return err
		}
		if err := row.begin(tx, before); err != nil {
			return err
		}
		batch, err := expiries[what].find(tx, window{after: row.Reached, before: before, limit: expirePage(tx), lock: true})
		if err != nil {
			return err
		}
		if gone, err = expiries[what].remove(tx, batch); err != nil {
			return err
		}
		over, ended = batch.end, batch.end
		return row.advance(tx, batch, gone)
	})
	if err != nil {
		return models.Removed{}, false, err
	}
	if s.dialect != goose.DialectPostgres {
		return gone, over, s.shrink(ctx, gone)
	}
	if ended {
		dropped, err := s.dropPartitions(ctx, what, before)
		gone.Bytes += dropped
		return gone, over, err
	}
	return gone, over, nil
}

// Expiring counts what Expire would remove, from the rows with ids above after, and returns the id of the last row that it has
// looked at; empty: it was the last of all. It changes nothing.
func (s *Store) Expiring(ctx context.Context, what models.Expiry, before time.Time, after string) (models.Removed, string, error) {
	q, x := s.read.WithContext(ctx), expiries[what]
	if after == "" && x.forward {
		if err := q.Model(&retentionRow{}).Where("expiry = ?", what).Pluck("reached", &after).Error; err != nil {
			return models.Removed{}, "", translate("read what ends", err)
		}
	}
	batch, err := x.find(q, window{after: after, before: before.UTC(), limit: expirePage(q)})
	if err != nil {
		return models.Removed{}, "", translate("read what ends", err)
	}
	gone, err := x.measure(q, batch.ended)
	if err == nil && batch.end {
		batch.last = ""
		var dropped int64
		dropped, err = s.measurePartitions(ctx, what, before)
		gone.Bytes += dropped
	}
	return gone, batch.last, translate("measure what ends", err)
}

// expiry is how data end.
type expiry struct {
	find    func(q *gorm.DB, w window) (expiring, error)
	measure func(q *gorm.DB, ids []string) (models.Removed, error)
	delete  func(tx *gorm.DB, batch expiring) error
	forward bool // a pass goes on where the last one has ended, instead of beginning anew
}

var expiries = map[models.Expiry]expiry{
	models.ExpireEvents:   {find: findEvents, measure: measureEvents, delete: deleteEvents},
	models.ExpirePayloads: {find: findEvents, measure: measurePayloads, delete: deletePayloads, forward: true},
	models.ExpireLate:     {find: findLate, measure: measurePayloads, delete: deletePayloads},
	models.ExpireAudit:    {find: findAudit, measure: measureAudit, delete: deleteAudit},
}

// window says where a batch is.
type window struct {
	after  string // id of the row before it
	before time.Time
	limit  int
	lock   bool // until the end of the transaction
}

func (w window) rows(q *gorm.DB) *gorm.DB {
	if w.lock {
		return q.Clauses(forUpdate)
	}
	return q
}

// expiring are the rows of a batch.
type expiring struct {
	ended []string // ids of the rows that end
	rest  []string // ids of those that are still needed
	last  string   // id of the last row that was looked at
	end   bool     // there is none after it
}

func (x expiry) remove(tx *gorm.DB, batch expiring) (models.Removed, error) {
	gone, err := x.measure(tx, batch.ended)
	if err != nil {
		return models.Removed{}, err
	}
	return gone, x.delete(tx, batch)
}

// lockRetention keeps other processes from the removal until the end of the transaction. It returns nil if another one is at it.
func lockRetention(tx *gorm.DB, what models.Expiry) (*retentionRow, error) {
	var rows []*retentionRow
	err := tx.Clauses(forUpdateIfFree).Where("expiry = ?", what).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// begin notes what may be removed from now on. The audit refuses any other removal.
func (r *retentionRow) begin(tx *gorm.DB, before time.Time) error {
	if r.Horizon == nil || r.Horizon.Before(before) {
		r.Horizon = &before
	}
	r.Walking = true
	return tx.Select("horizon", "walking").Updates(r).Error
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
	return tx.Select("reached", "walking", "finished_at", "removed", "bytes").Updates(r).Error
}
