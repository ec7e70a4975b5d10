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

// laneTime is how long a batch may take before others no longer wait for its end.
const laneTime = 100 * time.Millisecond

// lanes let items that come at the same time be handled together, each batch for the price of one item or little more. An
// item that comes while no batch is under way is handled at once and alone; the items that come meanwhile wait for the end of
// the batch and go together. A further lane, up to slots, opens when so many wait that they fill a batch, or when all batches
// under way are late: several lanes with few items each would cost more and gain nothing. It is safe for concurrent use.
type lanes[T comparable] struct {
	slots  int
	enough int                   // so many items fill a batch
	fit    func(waiting []T) int // how many of the waiting items, of which there are some, the next batch has
	handle func(batch []T)

	mu      sync.Mutex
	waiting []T
	busy    int // lanes that are open
	late    int // those of them whose batch takes longer than laneTime
}

func (l *lanes[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, item)
	l.open()
}

// open opens a lane if one is needed, and there may be another one.
func (l *lanes[T]) open() {
	if l.busy < l.slots && len(l.waiting) > 0 && (l.busy == l.late || len(l.waiting) >= l.enough) {
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

// work handles the waiting items until there are none, or so few that another lane has time for them.
func (l *lanes[T]) work() {
	for batch := l.take(); len(batch) > 0; batch = l.take() {
		l.run(batch)
		clear(batch) // the queue's array would keep its items in memory for as long as the queue is never empty
	}
}

func (l *lanes[T]) take() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 || len(l.waiting) < l.enough && l.busy-l.late > 1 {
		l.busy--
		return nil
	}
	n := l.fit(l.waiting)
	batch := l.waiting[:n]
	l.waiting = l.waiting[n:]
	return batch
}

// run handles a batch, and counts the lane as late while that takes too long.
func (l *lanes[T]) run(batch []T) {
	running, late := true, 0
	timer := time.AfterFunc(laneTime, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if running {
			late = 1
			l.late++
			l.open()
		}
	})
	l.handle(batch)
	timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	running = false
	l.late -= late
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
