package store

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// CreateEvents stores the events, which must be valid, in one transaction and reports on each in the given order. An
// event whose idempotency key is taken in its tenant is not stored: it is a duplicate if it says the same as the first
// one, otherwise its Err is a CodeConflict error that names the first one's id. The error returned beside the results
// is about the whole batch, of which nothing is stored then, or all: nobody knows when the connection was lost meanwhile.
func (s *Store) CreateEvents(ctx context.Context, events []*models.Event) ([]models.Created, error) {
	if err := s.creations.full(); err != nil {
		return nil, err
	}
	c := &creation{events: make([]*eventRow, len(events))}
	for i, e := range events {
		c.events[i] = newEventRow(e)
	}
	if err := s.creations.write(ctx, task{create: c}); err != nil {
		return nil, translate("create events", err)
	}
	results := make([]models.Created, len(events))
	for i, event := range events {
		results[i].Event = event
		if !c.taken[event.ID] {
			continue
		}
		var err error
		if results[i], err = compareWithFirst(s.read.WithContext(ctx), c.events[i]); err != nil {
			return nil, translate("read the event with an idempotency key", err)
		}
	}
	return results, nil
}

// insertEvents returns the ids of those rows that were not inserted because their key is taken.
func insertEvents(tx *gorm.DB, rows []*eventRow) (map[string]bool, error) {
	taken := map[string]bool{}
	for chunk := range inserts(inKeyOrder(rows), rowsAtOnce(tx)) {
		given, err := parametersOf(tx, chunk)
		if err != nil {
			return nil, err
		}
		inserted, err := given.query(tx, insertUntaken(tx, given))
		if err != nil {
			return nil, err
		}
		for _, row := range chunk {
			taken[row.ID] = !inserted[row.ID]
		}
	}
	return taken, nil
}

// insertUntaken is the statement that inserts events, and returns the ids of those whose idempotency key was not taken. The
// epoch of an event is the one in which the statement runs: not a clock, but the order of commits decides on which side of a
// cancellation the event is.
func insertUntaken(tx *gorm.DB, given parameters) string {
	with := `WITH given (` + given.columns + `) AS (` + given.rows + `)`
	if !isPostgres(tx) {
		return with + insertEvent(given.columns)
	}
	return with + `, made AS (` + insertEvent(given.except("data")) + `), kept AS (
			INSERT INTO event_payloads (id, data) SELECT given.id, given.data FROM given JOIN made ON made.id = given.id
		)
		SELECT id FROM made`
}

// insertEvent inserts these columns of the given events.
func insertEvent(columns string) string {
	return `
		INSERT INTO events (` + columns + `, epoch)
		SELECT ` + columns + `, ` + presentEpoch("given.tenant") + ` FROM given WHERE true
		ON CONFLICT (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
		RETURNING id`
}

// inserts cuts rows into such as one INSERT may have, all of which the driver copies at once.
func inserts(rows []*eventRow, atOnce int) iter.Seq[[]*eventRow] {
	return func(yield func([]*eventRow) bool) {
		for len(rows) > 0 {
			n, size := 1, rows[0].size()
			for ; n < min(len(rows), atOnce) && size+rows[n].size() <= insertBytes; n++ {
				size += rows[n].size()
			}
			if !yield(rows[:n:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// inKeyOrder sorts rows by the idempotency keys that they lock: two batches that share keys then wait for one another in
// the same order and cannot deadlock. Among equal keys the first in the batch stays the first.
func inKeyOrder(rows []*eventRow) []*eventRow {
	return slices.SortedStableFunc(slices.Values(rows), func(a, b *eventRow) int {
		if c := strings.Compare(a.Tenant, b.Tenant); c != 0 {
			return c
		}
		return strings.Compare(a.key(), b.key())
	})
}

// compareWithFirst decides whether an event whose key is taken repeats the first one or conflicts with it.
func compareWithFirst(q *gorm.DB, row *eventRow) (models.Created, error) {
	var first []eventRow
	q = withData(q).Where("tenant = ? AND idempotency_key = ?", row.Tenant, row.key()).Limit(1)
	if err := q.Find(&first).Error; err != nil {
		return models.Created{}, err
	}
	if len(first) == 0 { // removed since it stood in the way
		freed := models.Errorf(models.CodeUnavailable, "the idempotency key was just freed; try again")
		return models.Created{Err: freed}, nil
	}
	if bytes.Equal(first[0].Fingerprint, row.Fingerprint) {
		return models.Created{Event: first[0].model(), Duplicate: true}, nil
	}
	conflict := models.Errorf(models.CodeConflict, "was used for another event, %s", first[0].ID)
	conflict.Field = "idempotency_key"
	return models.Created{Err: conflict}, nil
}
