package store

import (
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// forUpdate locks the rows read until the end of the transaction. SQLite needs no such lock: a writing transaction has
// the whole database, and its dialect leaves the clause out.
var forUpdate = clause.Locking{Strength: clause.LockingStrengthUpdate}

// forUpdateIfFree is forUpdate for those rows only that nobody else has locked; it never waits.
var forUpdateIfFree = clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}

// forShare keeps the rows read from being changed until the end of the transaction, and lets others do the same.
var forShare = clause.Locking{Strength: clause.LockingStrengthShare}

// insertChunk is how many rows one INSERT has on SQLite. Its driver looks for each parameter among all of them, so twice
// the rows are four times the work; below some fifty the statements themselves begin to cost.
const insertChunk = 64

// rowsAtOnce is how many rows one INSERT has at most.
func rowsAtOnce(tx *gorm.DB) int {
	if isPostgres(tx) {
		return planPage
	}
	return insertChunk
}

// insertBytes is how many bytes of events one INSERT of several rows has. The driver makes copies of all of it.
const insertBytes = 1 << 20

// take reads the one row with the id.
func take[R any](q *gorm.DB, what, id string) (*R, error) {
	var row R
	if err := q.Where("id = ?", id).Take(&row).Error; err != nil {
		return nil, notFound(err, what, id)
	}
	return &row, nil
}

// list reads the rows that q selects and converts each.
func list[R, M any](q *gorm.DB, op string, convert func(*R) M) ([]M, error) {
	var rows []R
	if err := q.Find(&rows).Error; err != nil {
		return nil, translate(op, err)
	}
	items := make([]M, len(rows))
	for i := range rows {
		items[i] = convert(&rows[i])
	}
	return items, nil
}

// equal adds a condition unless the value is empty.
func equal[T ~string](q *gorm.DB, column string, value T) *gorm.DB {
	if value == "" {
		return q
	}
	return q.Where(column+" = ?", string(value))
}

// page adds the order and the bounds of a list: newest first, by id. It reads one row more than Page.Size allows, so
// that callers can ask for one too many to learn whether there is a further page.
func page(q *gorm.DB, p models.Page) *gorm.DB {
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	limit := models.DefaultPageLimit
	if p.Limit > 0 {
		limit = min(p.Limit, models.MaxPageLimit+1)
	}
	return q.Order("id DESC").Limit(limit)
}

// sweep adds the order and the bounds of a list that is walked to its end: oldest first, by id.
func sweep(q *gorm.DB, after string, limit int) *gorm.DB {
	return q.Where("id > ?", after).Order("id").Limit(max(limit, 0))
}

// firstID is the smallest id with the prefix that can have been made at t or later.
func firstID(prefix string, t time.Time) string {
	var id ulid.ULID
	if ms := t.Add(time.Millisecond - 1).UnixMilli(); ms > 0 {
		_ = id.SetTime(min(uint64(ms), ulid.MaxTime())) // fails above MaxTime only
	}
	return prefix + strings.ToLower(id.String())
}

// idTime is when the id was made, in whole milliseconds.
func idTime(prefix, id string) time.Time {
	parsed, err := ulid.ParseStrict(strings.TrimPrefix(id, prefix))
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(parsed.Time()).UTC()
}

// now is the present as the database can hold it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// nullTime stores the zero time as NULL.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func fromNullTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// anyOf selects the rows whose column has one of the values.
func anyOf(q *gorm.DB, column string, values []string) *gorm.DB {
	list, args := among(q, values)
	return q.Where(column+" IN "+list, args...)
}

// among is a list of values, and its parameters. On Postgres it is the same statement for any number of them, with the limit for
// which arrays has the reason.
func among(q *gorm.DB, values []string) (list string, args []any) {
	if isPostgres(q) { // a pointer: GORM makes a list of parameters of a slice
		return "(SELECT * FROM unnest(?::text[]) LIMIT ?)", []any{&values, len(values)}
	}
	return "?", []any{values}
}

func setOf(values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}
