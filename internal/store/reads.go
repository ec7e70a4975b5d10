package store

import (
	"context"
	"time"
)

// read is a call that waits for the row of a key, and may share its queries with others.
type read[V any] struct {
	key   string
	done  chan struct{} // closed when there is a result
	found V
	err   error
}

// reads lets calls that come at the same time share their queries. It is safe for concurrent use.
type reads[V any] struct {
	lanes[*read[V]]
	timeout time.Duration                                     // of shared queries; 0: none
	load    func(ctx context.Context, batch []*read[V]) error // notes a result in each, unless it fails
}

// newReads lets so many calls at most share their queries, and so many such queries be under way at a time.
func newReads[V any](slots, most int, timeout time.Duration, load func(context.Context, []*read[V]) error) *reads[V] {
	r := &reads[V]{timeout: timeout, load: load}
	r.slots, r.enough, r.handle = slots, most, r.together
	r.fit = func(waiting []*read[V]) int { return min(len(waiting), most) }
	return r
}

// get waits for the result of its key until ctx ends. The queries go on then: a read that is shared must outlive each of its
// calls'.
func (r *reads[V]) get(ctx context.Context, key string) (none V, err error) {
	if err := ctx.Err(); err != nil {
		return none, err
	}
	one := &read[V]{key: key, done: make(chan struct{})}
	r.add(one)
	select {
	case <-one.done:
		return one.found, one.err
	case <-ctx.Done():
		r.drop(one)
		return none, ctx.Err()
	}
}

// together loads for a batch of calls. If their shared queries fail although the database answers, each call gets queries of
// its own.
func (r *reads[V]) together(batch []*read[V]) {
	err := inTime(context.Background(), r.timeout, func(ctx context.Context) error { return r.load(ctx, batch) })
	if err != nil && len(batch) > 1 && !isAway(err) {
		for _, one := range batch {
			r.together([]*read[V]{one})
		}
		return
	}
	for _, one := range batch {
		if err != nil {
			var none V
			one.found, one.err = none, err
		}
		close(one.done)
	}
}

// keysOf are the keys of the calls.
func keysOf[V any](batch []*read[V]) []string {
	keys := make([]string, len(batch))
	for i, one := range batch {
		keys[i] = one.key
	}
	return keys
}
