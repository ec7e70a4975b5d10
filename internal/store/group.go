package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	groupLimit   = 64               // writes that share a commit at most
	groupBytes   = 2 << 20          // of events and answers in a commit that several share: the database gets a copy of each
	groupQueue   = 2048             // writes that wait at most; their data are in memory
	groupTimeout = 10 * time.Second // for a commit, of one or of several
)

// errLate says that a transaction was given up because it took too long. No single write is to blame for that.
var errLate = fmt.Errorf("a transaction was not through in its time: %w", context.DeadlineExceeded)

// group lets writes that come at the same time share a commit, which is most of the cost of a small write. While fewer
// than slots commits are under way, a write goes at once and alone; the writes that come meanwhile wait and go together.
//
// Postgres ends two commits that wait for each other's locks after a second, so every commit locks in the same order: the
// keys of new events, then the events being planned with their paused subscriptions, then deliveries.
type group struct {
	transaction func(ctx context.Context, do func(tx *gorm.DB) error) error
	insert      func(tx *gorm.DB, events []*eventRow) (taken map[string]bool, err error)
	record      func(tx *gorm.DB, records []*record) error
	slots       int
	timeout     time.Duration // of a transaction: while one waits for a database that is gone, so does its slot; 0: none

	mu      sync.Mutex
	waiting []*write
	busy    int // commits under way
}

// task is a transaction that may be carried out within another one's. Do may be called more than once and must then
// begin anew; only its last call counts.
type task struct {
	// place says which rows do locks. The writes of one transaction run in the order of their places.
	place string
	// events are inserted before all that is done in the transaction.
	events []*eventRow
	// do is called with the ids of those events of all that were not inserted, because their key is taken. Nil: there is
	// nothing to do.
	do func(tx *gorm.DB, taken map[string]bool) error
	// record is recorded after all that is done in the transaction, together with the others. Nil: there is none. That it is
	// refused is no failure of the transaction.
	record *record
}

// placeEvent is the place of a task, in front of an id.
const placeEvent = "1"

// write is a task on its way.
type write struct {
	task
	ctx  context.Context
	done chan error
}

// size is about how many bytes its events and its record take.
func (w *write) size() int {
	size := 0
	if w.record != nil {
		size = w.record.size()
	}
	for _, row := range w.events {
		size += row.size()
	}
	return size
}

// write carries out the task in a transaction.
func (g *group) write(ctx context.Context, t task) error {
	w := &write{task: t, ctx: ctx, done: make(chan error, 1)}
	if err := ctx.Err(); err != nil {
		return err
	}
	g.enqueue(w) //nolint:contextcheck // a commit that is shared must outlive each of its writes' contexts
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		g.drop(w) // with what it holds in memory
		return ctx.Err()
	}
}

// drop takes a write that nobody waits for any more out of the queue, unless its commit has begun.
func (g *group) drop(w *write) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Concat(g.waiting[:i], g.waiting[i+1:]) // not in place: a batch shares the array
	}
}

// full is a CodeBusy error when the queue is so long that further publishing should be refused.
func (g *group) full() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) < groupQueue {
		return nil
	}
	return models.Errorf(models.CodeBusy, "%d writes wait already; try again in a moment", groupQueue)
}

func (g *group) enqueue(w *write) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, w)
	if g.busy < g.slots {
		g.busy++
		go g.work()
	}
}

// work commits the waiting writes until the queue is empty.
func (g *group) work() {
	for batch := g.take(); len(batch) > 0; batch = g.take() {
		g.commit(batch)
		clear(batch) // the queue's array would keep what was written in memory for as long as the queue is never empty
	}
}

func (g *group) take() []*write {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.waiting[:g.fit()]
	g.waiting = g.waiting[len(batch):]
	if len(batch) == 0 {
		g.waiting = nil
		g.busy--
	}
	return batch
}

// fit counts the waiting writes that share the next commit.
func (g *group) fit() int {
	bytes := 0
	for i, w := range g.waiting {
		if bytes += w.size(); i == groupLimit || i > 0 && bytes > groupBytes {
			return i
		}
	}
	return len(g.waiting)
}

// commit commits a batch in one transaction. If one of its writes fails, the transaction is rolled back and each write
// gets a transaction of its own. Writes whose callers have gone are left out: their callers were told that they failed.
func (g *group) commit(batch []*write) {
	batch = slices.DeleteFunc(batch, func(w *write) bool {
		if err := w.ctx.Err(); err != nil {
			w.done <- err
			return true
		}
		return false
	})
	if len(batch) > 1 {
		if finished, err := g.together(batch); finished || errors.Is(err, errLate) {
			tell(batch, err)
			return
		}
	}
	g.oneByOne(batch)
}

// oneByOne commits each write in a transaction of its own, until one shows that the database is away: each of the others
// would find that out for itself, after as long a wait, and hold up all that come after them.
func (g *group) oneByOne(batch []*write) {
	for i, w := range batch {
		err := g.alone(w.ctx, func(tx *gorm.DB) error { return g.carryOut(tx, w) })
		w.done <- err
		_, connecting := errors.AsType[*pgconn.ConnectError](err)
		if errors.Is(err, errLate) || connecting && w.ctx.Err() == nil {
			tell(batch[i+1:], err)
			return
		}
	}
}

func tell(batch []*write, err error) {
	for _, w := range batch {
		w.done <- err
	}
}

// together reports whether all the writes went through, and then the error of their commit: after a failed commit nobody
// knows whether it took effect, and writing again could conflict with the first time. It ignores the contexts of the
// single writes: a write whose context ends must not take the others with it.
func (g *group) together(batch []*write) (finished bool, err error) {
	err = g.alone(context.WithoutCancel(batch[0].ctx), func(tx *gorm.DB) error {
		if err := g.carryOut(tx, batch...); err != nil {
			return err
		}
		finished = true
		return nil
	})
	return finished, err
}

// carryOut does all that the writes want, in the order in which every transaction does.
func (g *group) carryOut(tx *gorm.DB, batch ...*write) error {
	var events []*eventRow
	var records []*record
	for _, w := range batch {
		events = append(events, w.events...)
		if w.record != nil {
			records = append(records, w.record)
		}
	}
	taken, err := g.insert(tx, events)
	if err != nil {
		return err
	}
	byPlace := slices.SortedStableFunc(slices.Values(batch), func(a, b *write) int { return strings.Compare(a.place, b.place) })
	for _, w := range byPlace {
		if w.do == nil {
			continue
		}
		if err := w.do(tx, taken); err != nil {
			return err
		}
	}
	return g.record(tx, records)
}

// alone runs one transaction. A panic in it becomes an error of its callers. A transaction that took too long fails with
// errLate, whatever the driver calls it.
func (g *group) alone(ctx context.Context, do func(tx *gorm.DB) error) (err error) {
	if g.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, g.timeout, errLate)
		defer cancel()
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err = g.transaction(ctx, do); err != nil && errors.Is(context.Cause(ctx), errLate) {
		return errLate
	}
	return err
}
