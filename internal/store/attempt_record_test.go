package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// commit commits the writes together, and returns how many transactions that took.
func (d *desk) commit(batch ...*write) (transactions int) {
	g := d.newGroup(1)
	count := func(run runner) runner {
		return func(ctx context.Context, do func(tx *gorm.DB) error) error {
			transactions++
			return run(ctx, do)
		}
	}
	g.transaction, g.statement = count(g.transaction), count(g.statement)
	g.commit(batch)
	return transactions
}

// TestRecordsOfOneCommit has everything in one commit that may come together.
func TestRecordsOfOneCommit(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		ids := d.pending(t, 4)
		batch := []*write{
			newRecording(t, ids[3], 1),
			newRecording(t, ids[2], 2), // the second before the first
			newRecording(t, ids[2], 1),
			newRecording(t, "dlv_none", 1),
			newRecording(t, ids[1], 2), // there is no first one
			newRecording(t, ids[0], 1),
			newRecording(t, ids[0], 1),
		}
		require.Equal(t, 1, d.commit(batch...))
		want := []models.Code{"", "", "", models.CodeNotFound, models.CodeConflict, "", models.CodeConflict}
		for i, w := range batch {
			require.NoError(t, <-w.done)
			require.Equal(t, want[i], models.ErrorCode(w.record.refused), i)
		}
		for i, made := range []int{1, 0, 2, 1} {
			delivery, err := d.Delivery(t.Context(), ids[i])
			require.NoError(t, err)
			require.Equal(t, made, delivery.Attempts)
			attempts, err := d.Attempts(t.Context(), ids[i])
			require.NoError(t, err)
			require.Len(t, attempts, made)
		}
	})
}

// TestAnAttemptThatShouldNotBeThere has one attempt more than its delivery counts, as nobody but a person leaves it.
func TestAnAttemptThatShouldNotBeThere(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		ids := d.pending(t, 3)
		require.NoError(t, d.write.Create(newAttemptRow(exampleAttempt(ids[1]))).Error)
		batch := []*write{newRecording(t, ids[0], 1), newRecording(t, ids[1], 1), newRecording(t, ids[2], 1)}
		require.Equal(t, 1+3, d.commit(batch...), "together, and each alone")
		require.NoError(t, <-batch[0].done)
		require.Equal(t, models.CodeConflict, models.ErrorCode(translate("test", <-batch[1].done)))
		require.NoError(t, <-batch[2].done)
		for i, made := range []int{1, 0, 1} {
			delivery, err := d.Delivery(t.Context(), ids[i])
			require.NoError(t, err)
			require.Equal(t, made, delivery.Attempts)
		}
	})
}

// TestStatementsOfACommit counts: however many events, plans and attempts share a commit, they share their statements.
func TestStatementsOfACommit(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		for _, n := range []int{1, groupLimit} {
			require.Len(t, d.statementsOf(t, n), map[bool]int{true: 4, false: 6}[isPostgres(d.write)], "%d events, plans and attempts", n)
		}
	})
}

// statementsOf creates and plans n events, records as many attempts, and returns the statements that wrote rows.
func (d *desk) statementsOf(t *testing.T, n int) []statement {
	t.Helper()
	var events []*eventRow
	var requests []*planRequest
	var records []*record
	for _, id := range d.pending(t, n) {
		event := newEventRow(models.NewEvent(models.Event{Type: "a", Data: []byte("{}")}, time.Now()))
		events = append(events, event)
		requests = append(requests, planningOf(t, event.ID).plan)
		records = append(records, newRecording(t, id, 1).record)
	}
	spy := &spy{}
	require.NoError(t, d.inTransaction(t.Context(), "test", func(tx *gorm.DB) error {
		seen := tx.WithContext(t.Context()) // a copy: the commit needs the connection as it is
		spy.ConnPool, seen.Statement.ConnPool = seen.Statement.ConnPool, spy
		_, err := insertEvents(seen, events)
		return errors.Join(err, d.Store.plan(seen, requests), recordAttempts(seen, records))
	}))
	return slices.DeleteFunc(spy.seen, func(s statement) bool { return strings.HasPrefix(s.text, "SELECT") })
}

// TestPlansOfEmptyTablesLast has Postgres plan while its tables are empty, and keep the plan: a plan that reads a whole table
// would do that for as long as the connection lives.
func TestPlansOfEmptyTablesLast(t *testing.T) {
	t.Parallel()
	seen := newDesk(t, postgresAt(t)).statementsOf(t, 2)
	empty := newDesk(t, postgresAt(t))
	require.NoError(t, empty.inTransaction(t.Context(), "test", func(tx *gorm.DB) error {
		require.NoError(t, tx.Exec("SET LOCAL plan_cache_mode = force_generic_plan").Error)
		for i, s := range seen {
			require.NoError(t, tx.Exec(fmt.Sprintf("PREPARE s%d AS %s", i, s.text)).Error)
			var plan []string
			nulls := strings.Repeat(", NULL", s.args)[2:]
			require.NoError(t, tx.Raw(fmt.Sprintf("EXPLAIN EXECUTE s%d (%s)", i, nulls)).Scan(&plan).Error)
			require.NotRegexp(t, "Seq Scan on (events|deliveries|attempts)", strings.Join(plan, "\n"))
		}
		return nil
	}))
}

// spy sees the statements that pass by GORM.
type spy struct {
	gorm.ConnPool
	seen []statement
}

type statement struct {
	text string
	args int
}

func (s *spy) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s.seen = append(s.seen, statement{text, len(args)})
	return s.ConnPool.ExecContext(ctx, text, args...)
}

func (s *spy) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s.seen = append(s.seen, statement{text, len(args)})
	return s.ConnPool.QueryContext(ctx, text, args...)
}
