package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// gate is a transaction that waits to be let through. It stands in for a database that is busy.
type gate struct {
	entered chan struct{} // gets a value for each transaction that has begun
	open    chan struct{}
	mu      sync.Mutex
	commits int
}

func (g *gate) transaction(_ context.Context, do func(tx *gorm.DB) error) error {
	g.entered <- struct{}{}
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commits++
	return do(nil)
}

// writeAll starts the first write, and the others in their order while it commits. It returns what waits for their ends.
func writeAll(t *testing.T, g *group, gate *gate, writes ...func(tx *gorm.DB) error) (wait func() []error) {
	t.Helper()
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, do := range writes {
		all.Go(func() { errs[i] = g.write(t.Context(), only(do)) })
		if i == 0 {
			<-gate.entered
			continue
		}
		require.Eventually(t, func() bool { return g.queued() == i }, time.Minute, time.Millisecond)
	}
	return func() []error { all.Wait(); return errs }
}

func gatedGroup() (*group, *gate) {
	g := &gate{open: make(chan struct{}), entered: make(chan struct{}, groupQueue)}
	return groupOf(time.Minute, g.transaction), g
}

// groupOf makes a group whose records are calls.
func groupOf(timeout time.Duration, transaction runner) *group {
	g := (&Store{commits: newCommitMetrics()}).newGroup(1)
	g.timeout, g.transaction = timeout, transaction
	g.single = func([]*write) bool { return false }
	g.insert = func(*gorm.DB, []*eventRow) (map[string]bool, error) { return nil, nil }
	g.record = func(tx *gorm.DB, records []*record) error {
		for _, r := range records {
			do, _ := calls.Load(r)
			if err := do.(func(*gorm.DB) error)(tx); err != nil {
				return err
			}
		}
		return nil
	}
	return g
}

// calls has a func(tx *gorm.DB) error for each record made by only.
var calls sync.Map

// only is a task that calls do.
func only(do func(tx *gorm.DB) error) task {
	r := &record{attempt: &attemptRow{}}
	calls.Store(r, do)
	return task{record: r}
}

func newWrite(t *testing.T, do func(tx *gorm.DB) error) *write {
	t.Helper()
	return &write{ctx: t.Context(), task: only(do), done: make(chan error, 1)}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	done := func(*gorm.DB) error { return nil }

	t.Run("what comes during a commit goes together in the next", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		wait := writeAll(t, g, gate, done, done, done, done)
		close(gate.open)
		for _, err := range wait() {
			require.NoError(t, err)
		}
		require.Equal(t, 2, gate.commits)
	})

	t.Run("one that fails fails alone", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		bad := errors.New("bad")
		calls := 0
		wait := writeAll(t, g, gate, done, done, func(*gorm.DB) error { return bad }, func(*gorm.DB) error { calls++; return nil })
		close(gate.open)
		require.Equal(t, []error{nil, nil, bad, nil}, wait())
		require.Equal(t, 1+1+3, gate.commits, "the first, those together, and each alone")
		require.Equal(t, 1, calls, "the one after the bad one was not reached before")
	})

	t.Run("more than can wait are refused, and nothing is lost", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		g.waiting = make([]*write, groupQueue)
		for i := range g.waiting {
			g.waiting[i] = newWrite(t, done)
		}
		queued := append([]*write(nil), g.waiting...)
		require.Equal(t, models.CodeBusy, models.ErrorCode(g.full()))
		g.busy++
		go g.work()
		close(gate.open)
		for _, w := range queued {
			require.NoError(t, <-w.done)
		}
		require.NoError(t, g.full())
		require.NoError(t, g.write(t.Context(), only(done)))
	})

	t.Run("a panic is an error to who waits", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		close(gate.open)
		require.ErrorContains(t, g.write(t.Context(), only(func(*gorm.DB) error { panic("oh") })), "oh")
		require.NoError(t, g.write(t.Context(), only(done)))
	})

	t.Run("a commit that may have happened is not repeated", func(t *testing.T) {
		t.Parallel()
		lost := errors.New("the connection is lost")
		runs := 0
		g := groupOf(time.Minute, func(_ context.Context, do func(tx *gorm.DB) error) error {
			runs++
			return errors.Join(do(nil), lost)
		})
		batch := []*write{newWrite(t, done), newWrite(t, done)}
		g.commit(batch)
		require.ErrorIs(t, <-batch[0].done, lost)
		require.ErrorIs(t, <-batch[1].done, lost)
		require.Equal(t, 1, runs)
	})

	for name, c := range map[string]struct {
		err  error
		runs int
	}{
		"lost may have been carried out, and is not repeated": {errors.New("the connection is lost"), 1},
		"refused has done nothing, and each is tried alone":   {&pgconn.PgError{Code: "23505"}, 1 + 2},
	} {
		t.Run("a statement that is "+name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			g := groupOf(time.Minute, nil)
			g.single = func([]*write) bool { return true }
			g.statement = func(context.Context, func(tx *gorm.DB) error) error { runs++; return c.err }
			batch := []*write{newWrite(t, done), newWrite(t, done)}
			g.commit(batch)
			require.ErrorIs(t, <-batch[0].done, c.err)
			require.ErrorIs(t, <-batch[1].done, c.err)
			require.Equal(t, c.runs, runs)
		})
	}

	for name, away := range map[string]error{"does not answer": nil, "cannot be reached": &pgconn.ConnectError{}} {
		t.Run("a database that "+name+" is not waited for by each", func(t *testing.T) {
			t.Parallel()
			runs := 0
			g := groupOf(time.Millisecond, func(ctx context.Context, _ func(tx *gorm.DB) error) error {
				if runs++; away != nil {
					return away
				}
				<-ctx.Done()
				return sql.ErrTxDone
			})
			batch := make([]*write, groupLimit)
			for i := range batch {
				batch[i] = newWrite(t, done)
			}
			g.commit(batch)
			for _, w := range batch {
				require.ErrorIs(t, <-w.done, cmp.Or[error](away, errLate))
			}
			require.LessOrEqual(t, runs, 2)
		})
	}

	t.Run("one at a time, those before the first that is late keep what became of them", func(t *testing.T) {
		t.Parallel()
		bad, runs := errors.New("bad"), 0
		g := groupOf(10*time.Millisecond, func(ctx context.Context, do func(tx *gorm.DB) error) error {
			if runs++; runs == 4 { // together, the first, the second
				<-ctx.Done()
				return bad
			}
			return do(nil)
		})
		batch := make([]*write, 5)
		for i := range batch {
			batch[i] = newWrite(t, done)
		}
		batch[1] = newWrite(t, func(*gorm.DB) error { return bad })
		g.commit(batch)
		for i, want := range []error{nil, bad, errLate, errLate, errLate} {
			require.Equal(t, want, <-batch[i].done)
		}
		require.Equal(t, 4, runs)
	})

	t.Run("a caller that does not wait as long takes nobody with it", func(t *testing.T) {
		t.Parallel()
		g := groupOf(time.Minute, func(ctx context.Context, do func(tx *gorm.DB) error) error {
			if err := do(nil); err != nil {
				<-ctx.Done()
				return &pgconn.ConnectError{}
			}
			return nil
		})
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		batch := []*write{newWrite(t, func(*gorm.DB) error { return context.DeadlineExceeded }), newWrite(t, done)}
		batch[0].ctx = hasty
		g.oneByOne(batch)
		require.Error(t, <-batch[0].done)
		require.NoError(t, <-batch[1].done)
	})

	t.Run("whoever no longer waits leaves the queue", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		wait := writeAll(t, g, gate, done, done)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- g.write(ctx, only(func(*gorm.DB) error { panic("not to be called") })) }()
		require.Eventually(t, func() bool { return g.queued() == 2 }, time.Minute, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		require.Equal(t, 1, g.queued())
		close(gate.open)
		require.Equal(t, []error{nil, nil}, wait())
	})

	t.Run("whoever no longer waits takes nobody with it", func(t *testing.T) {
		t.Parallel()
		g, gate := gatedGroup()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, g.write(ctx, only(done)), context.Canceled)
		close(gate.open)
		require.NoError(t, g.write(t.Context(), only(done)))
	})
}
