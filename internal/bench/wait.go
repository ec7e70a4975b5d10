package bench

import (
	"context"
	"slices"
	"time"
)

// waiter waits until enough has come.
type waiter struct {
	want    Counts
	reached chan struct{}
}

// wake wakes the waiters whose wanted counts are reached. Its caller holds the lock.
func (r *Receiver) wake() {
	now := r.counts()
	r.waiters = slices.DeleteFunc(r.waiters, func(w waiter) bool {
		if !now.reach(w.want) {
			return false
		}
		close(w.reached)
		return true
	})
}

// wait returns the counts once the wanted counts are reached, or when ctx ends.
func (r *Receiver) wait(ctx context.Context, want Counts) Counts {
	w := waiter{want: want, reached: make(chan struct{})}
	r.mu.Lock()
	r.waiters = append(r.waiters, w)
	r.wake()
	r.mu.Unlock()
	select {
	case <-w.reached:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiters = slices.DeleteFunc(r.waiters, func(other waiter) bool { return other.reached == w.reached })
	return r.counts()
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
