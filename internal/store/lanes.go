package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// errLate says that a batch was given up because it took too long. No single item is to blame for that.
var errLate = fmt.Errorf("a transaction was not through in its time: %w", context.DeadlineExceeded)

// lanes let items that come at the same time be handled together, each batch for the price of one item or little more. While
// fewer than slots batches are under way, an item is handled at once and alone; the items that come meanwhile wait and go
// together. It is safe for concurrent use.
type lanes[T comparable] struct {
	slots  int
	fit    func(waiting []T) int // how many of the waiting items, of which there are some, the next batch has
	handle func(batch []T)

	mu      sync.Mutex
	waiting []T
	busy    int // batches under way
}

func (l *lanes[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, item)
	if l.busy < l.slots {
		l.busy++
		go l.work()
	}
}

// drop takes an item that nobody waits for any more out of the queue, unless its batch has begun.
func (l *lanes[T]) drop(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, item); i >= 0 {
		l.waiting = slices.Concat(l.waiting[:i], l.waiting[i+1:]) // not in place: a batch shares the array
	}
}

func (l *lanes[T]) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// work handles the waiting items until the queue is empty.
func (l *lanes[T]) work() {
	for batch := l.take(); len(batch) > 0; batch = l.take() {
		l.handle(batch)
		clear(batch) // the queue's array would keep its items in memory for as long as the queue is never empty
	}
}

func (l *lanes[T]) take() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil
		l.busy--
		return nil
	}
	n := l.fit(l.waiting)
	batch := l.waiting[:n]
	l.waiting = l.waiting[n:]
	return batch
}

// inTime calls do with a context that ends after the timeout; 0: never. A panic becomes an error, and if do took too long,
// the error is errLate, whatever the driver calls it.
func inTime(ctx context.Context, timeout time.Duration, do func(ctx context.Context) error) (err error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errLate)
		defer cancel()
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err = do(ctx); err != nil && errors.Is(context.Cause(ctx), errLate) {
		return errLate
	}
	return err
}
