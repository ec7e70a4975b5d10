package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	heapstats "runtime/metrics"
	"sync"
	"sync/atomic"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/posthaste/posthaste/models"
)

const (
	// firstPart is the number of bytes of a body that is read before there is room for all of it: a small request takes little.
	firstPart = 64 << 10

	// strangersShare is the part of the budget for requests whose sender is not known yet. The rest is for callers who have
	// shown a key.
	strangersShare = 2

	// collectShare is the part of the budget that may be allocated before garbage is collected.
	collectShare = 16

	// unpackedMost is the number of bytes of batches that are taken apart at a time: an event counts for a KiB, which is about
	// its cost beside its bytes, or for its size. It is enough to keep the database busy; further batches wait as they came.
	unpackedMost = 4 << 20

	leaseKey = "lease"
)

// budget bounds the bytes of request bodies that the process holds at a time, however many requests come. A body beyond it is
// refused before it is read. Safe for concurrent use.
type budget struct {
	limit     int64 // of a body
	all       *semaphore.Weighted
	strangers *semaphore.Weighted
	unpacked  *semaphore.Weighted
	taken     atomic.Int64
	refused   atomic.Int64 // requests

	spare        sync.Pool // of *[]byte, whose bodies were refused
	collectEvery uint64
	collecting   sync.Mutex
}

func newBudget(limit, bytes int64) *budget {
	return &budget{
		limit: limit, all: semaphore.NewWeighted(bytes), strangers: semaphore.NewWeighted(bytes / strangersShare),
		unpacked: semaphore.NewWeighted(unpackedMost), collectEvery: uint64(bytes) / collectShare, //nolint:gosec // it is positive
	}
}

// collect collects garbage when there may be much of it, and lets the request wait for that. Left alone, the runtime lets
// garbage grow to as much as all memory in use, or to four times of it beside an embedded Temporal; and were requests not to
// wait, a busy machine would make buffers faster than it collects them.
func (b *budget) collect() {
	if !b.littered() {
		return
	}
	b.collecting.Lock()
	defer b.collecting.Unlock()
	if b.littered() { // no other request has just collected
		runtime.GC()
	}
}

// littered reports whether more has been allocated since garbage was collected last than a part of the budget, or of the
// memory in use where that is more: there, collecting costs more, and garbage matters less.
func (b *budget) littered() bool {
	heap := []heapstats.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	heapstats.Read(heap)
	objects, live := heap[0].Value.Uint64(), heap[1].Value.Uint64()
	return objects > live+max(b.collectEvery, live/8)
}

// unpack waits until a batch of so many events and bytes may be taken apart, see unpackedMost. It fails when ctx ends. Call
// pack when the events are in the database.
func (b *budget) unpack(ctx context.Context, events int, bytes int64) (pack func(), err error) {
	cost := min(max(int64(events)<<10, bytes), unpackedMost)
	if err := b.unpacked.Acquire(ctx, cost); err != nil {
		return nil, err
	}
	b.collect() // the batches before have left their parts
	return func() { b.unpacked.Release(cost) }, nil
}

// collectors measure the budget.
func (b *budget) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "posthaste_body_bytes", Help: "Bytes of request bodies in memory, of at most --body-budget.",
		}, func() float64 { return float64(b.taken.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "posthaste_bodies_refused_total", Help: "Requests answered 429 because more was being sent than --body-budget allows.",
		}, func() float64 { return float64(b.refused.Load()) }),
	}
}

// lend returns the guard that gives a request its part of the budget, for as long as it is being handled: its
// body is in memory until it is in the database.
func (b *budget) lend(to access) gin.HandlerFunc {
	from := []*semaphore.Weighted{b.all}
	if to.signed {
		from = []*semaphore.Weighted{b.strangers, b.all}
	}
	return func(c *gin.Context) {
		l := &lease{budget: b, from: from}
		defer l.end()
		c.Set(leaseKey, l)
		c.Next()
	}
}

// lease is the part of the budget that one request has.
type lease struct {
	*budget
	from  []*semaphore.Weighted
	size  int64
	body  []byte
	spent bool
}

// refuse says that nothing will look at the body any more: neither the answer nor the database has a part of it. Its memory
// serves the next body then, so that a refused body is cheap, however fast such bodies come.
func (l *lease) refuse() { l.spent = true }

// leaseOf is the lease of a request that passed lend.
func leaseOf(c *gin.Context) *lease { return c.MustGet(leaseKey).(*lease) }

// take takes further bytes of the budget, or fails with CodeBusy.
func (l *lease) take(bytes int64) error {
	for i, part := range l.from {
		if part.TryAcquire(bytes) {
			continue
		}
		for _, taken := range l.from[:i] {
			taken.Release(bytes)
		}
		l.refused.Add(1)
		return models.Errorf(models.CodeBusy, "more is being sent at the moment than is held in memory; try again")
	}
	l.size += bytes
	l.taken.Add(bytes)
	return nil
}

func (l *lease) end() {
	if l.spent && cap(l.body) > firstPart {
		body := l.body[:0]
		l.spare.Put(&body)
	}
	for _, part := range l.from {
		part.Release(l.size)
	}
	l.taken.Add(-l.size)
}

// read reads a body of the given length; -1: the length is not known. It takes room as the body comes, and refuses a body over
// the limit.
func (l *lease) read(body io.Reader, length int64) ([]byte, error) {
	if length > l.limit {
		return nil, tooLarge(l.limit)
	}
	var read []byte
	for int64(len(read)) != length {
		if len(read) == cap(read) {
			next := l.next(int64(cap(read)), length)
			if err := l.take(next - int64(cap(read))); err != nil {
				return nil, err
			}
			read = append(l.buffer(int(next)), read...)
			l.body = read
		}
		n, err := body.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
		if errors.Is(err, io.EOF) && (length < 0 || int64(len(read)) == length) {
			break
		}
		if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge(over.Limit)
		}
		if err != nil {
			return nil, models.Errorf(models.CodeInvalid, "the request body ended before it was complete")
		}
	}
	return read, nil
}

// buffer is an empty one of the given size.
func (l *lease) buffer(size int) []byte {
	if size > firstPart {
		if spare, ok := l.spare.Get().(*[]byte); ok && cap(*spare) >= size {
			return (*spare)[:0:size]
		}
	}
	if size > firstPart {
		l.collect()
	}
	return make([]byte, 0, size)
}

// next is how large a buffer follows one of the given size.
func (l *lease) next(size, length int64) int64 {
	switch {
	case size == 0 && length < 0:
		return min(firstPart, l.limit+1)
	case size == 0:
		return min(firstPart, length)
	case length < 0:
		return min(4*size, l.limit+1) // one more, to find out that it is over
	default:
		return length
	}
}

func tooLarge(limit int64) error {
	return models.Errorf(models.CodeTooLarge, "the request body is over the limit of %d bytes", limit)
}
