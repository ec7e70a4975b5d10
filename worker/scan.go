package worker

import (
	"context"
	"errors"
	"sync"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
)

// scan works on the rows of a list that is read in pages by id, some pages at a time, and begins again after the last. A row
// whose work fails is left for the next time, so that it does not hold up the rows after it.
type scan[T any] struct {
	pages  int
	list   func(ctx context.Context, after string, limit int) ([]T, error)
	wanted func(T) bool // nil: all rows
	id     func(T) string
	work   func(context.Context, T) error

	after string // id of the last row
}

// next works on the next pages, no further than the end of the list. It fails if a page cannot be read, or as each does.
func (s *scan[T]) next(ctx context.Context) error {
	for range s.pages {
		page, err := s.list(ctx, s.after, sweepPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			s.after = ""
			return nil
		}
		if s.after, err = s.each(ctx, page); err != nil {
			return err
		}
		if len(page) < sweepPage {
			s.after = ""
			return nil
		}
	}
	return nil
}

// each works on the wanted rows of a page, some at a time, and returns the id of the last row that it has tried. It fails if
// no row succeeded; after many failures it tries no further rows, because Temporal is at fault and not the rows.
func (s *scan[T]) each(ctx context.Context, page []T) (last string, err error) {
	var done tally
	var group errgroup.Group
	group.SetLimit(Starters)
	for _, row := range page {
		if done.failure(hopeless) != nil || ctx.Err() != nil {
			break
		}
		last = s.id(row)
		if s.wanted == nil || s.wanted(row) {
			group.Go(func() error { done.add(s.id(row), s.work(ctx, row)); return nil })
		}
	}
	_ = group.Wait() // the tally has the errors
	return last, done.failure(1)
}

// unlessRefused logs a refusal of Temporal's and takes the start for done, so that one such row does not hold up the
// others. It returns any other error.
func (d *Dispatcher) unlessRefused(ctx context.Context, what, id string, err error) error {
	_, refused := errors.AsType[*serviceerror.InvalidArgument](err)
	if refused && !unprepared(err) || models.ErrorCode(err) == models.CodeConflict { // which is how Control says it
		d.Logger.ErrorContext(ctx, "workflow.refused", what, id, "error", err,
			"hint", "Temporal refuses to start it, and is asked again later")
		return nil
	}
	return err
}

// tally counts what became of starts. Safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	begun  int
	faults []fault
}

// fault is a start that failed.
type fault struct {
	id  string
	err error
}

func (t *tally) add(id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.begun++
		return
	}
	t.faults = append(t.faults, fault{id: id, err: err})
}

// failure returns the first error if at least so many starts failed and none succeeded: then Temporal is at fault.
func (t *tally) failure(atLeast int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun > 0 || len(t.faults) < atLeast {
		return nil
	}
	return t.faults[0].err
}
