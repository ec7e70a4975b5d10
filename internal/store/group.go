package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	groupLimit   = 64               // writes that share a commit at most
	groupBytes   = 2 << 20          // of events and answers in a commit that several share: the database gets a copy of each
	groupQueue   = 2048             // writes that wait at most; their data are in memory
	groupTimeout = 10 * time.Second // for a commit, of one or of several
)

// group lets writes that come at the same time share a commit, which is most of the cost of a small write.
//
// Postgres ends two commits that wait for each other's locks after a second, so every commit locks in the same order: the
// keys of new events, then the events being planned with their paused subscriptions, then deliveries.
type group struct {
	lanes[*write]
	metrics *commitMetrics
	timeout time.Duration // of a commit: while one waits for a database that is gone, so does its slot; 0: none

	transaction runner
	statement   runner                    // without a transaction around what is run
	single      func(batch []*write) bool // whether the writes are a single statement, which is a transaction by itself

	insert func(tx *gorm.DB, events []*eventRow) (taken map[string]bool, err error)
	plan   func(tx *gorm.DB, requests []*planRequest) error
	record func(tx *gorm.DB, records []*record) error
}

// runner runs do on the database.
type runner func(ctx context.Context, do func(tx *gorm.DB) error) error

// newGroup makes a group of which so many commits are under way at a time.
func (s *Store) newGroup(slots int) *group {
	g := &group{
		metrics: s.commits, timeout: s.timeout(), transaction: s.transact, statement: s.execute, single: s.single,
		insert: insertEvents, plan: s.plan, record: recordAttempts,
	}
	g.slots, g.enough, g.fit, g.handle = slots, groupLimit, fitCommit, g.commit
	return g
}

// task is one of these writes. It may be carried out more than once, and then begins anew; only the last time counts.
type task struct {
	create *creation
	plan   *planRequest
	record *record // that it is refused is no failure of the commit
}

// creation are events to insert. Its result is the ids of those, in the same commit, that are not inserted because their key
// is taken.
type creation struct {
	events []*eventRow
	taken  map[string]bool
}

// write is a task on its way.
type write struct {
	task
	ctx   context.Context
	done  chan error
	since time.Time // since when it waits
}

// size is about how many bytes its events and its record take.
func (w *write) size() int {
	size := 0
	if w.record != nil {
		size = w.record.size()
	}
	if w.create != nil {
		for _, row := range w.create.events {
			size += row.size()
		}
	}
	return size
}

// write carries out the task in a transaction.
func (g *group) write(ctx context.Context, t task) error {
	w := &write{task: t, ctx: ctx, done: make(chan error, 1), since: time.Now()}
	if err := ctx.Err(); err != nil {
		return err
	}
	g.add(w) // and not with its context: a commit that is shared must outlive each of its writes'
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		g.drop(w) // with what it holds in memory
		return ctx.Err()
	}
}

// full is a CodeBusy error when the queue is so long that further publishing should be refused.
func (g *group) full() error {
	if g.queued() < groupQueue {
		return nil
	}
	return models.Errorf(models.CodeBusy, "%d writes wait already; try again in a moment", groupQueue)
}

// fitCommit counts the waiting writes that share the next commit.
func fitCommit(waiting []*write) int {
	bytes := 0
	for i, w := range waiting {
		if bytes += w.size(); i == groupLimit || i > 0 && bytes > groupBytes {
			return i
		}
	}
	return len(waiting)
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
	if len(batch) > 0 {
		g.metrics.begin(batch)
	}
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
		err := g.run(w.ctx, w)
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

// together reports whether the writes are finished with: they are committed, or nobody knows whether they are, and writing
// again could conflict with the first time. It ignores the contexts of the single writes: a write whose context ends must not
// take the others with it.
func (g *group) together(batch []*write) (finished bool, err error) {
	ctx := context.WithoutCancel(batch[0].ctx)
	if g.single(batch) {
		err = g.run(ctx, batch...)
		return err == nil || !isRefusal(err), err
	}
	err = g.alone(ctx, g.transaction, func(tx *gorm.DB) error {
		if err := g.carryOut(tx, batch...); err != nil {
			return err
		}
		finished = true
		return nil
	})
	return finished, err
}

// run commits the writes.
func (g *group) run(ctx context.Context, batch ...*write) error {
	run := g.transaction
	if g.single(batch) {
		run = g.statement
	}
	return g.alone(ctx, run, func(tx *gorm.DB) error { return g.carryOut(tx, batch...) })
}

// carryOut does all that the writes want, in the order in which every transaction does.
func (g *group) carryOut(tx *gorm.DB, batch ...*write) error {
	var events []*eventRow
	var requests []*planRequest
	var records []*record
	for _, w := range batch {
		switch {
		case w.create != nil:
			events = append(events, w.create.events...)
		case w.plan != nil:
			requests = append(requests, w.plan)
		case w.record != nil:
			records = append(records, w.record)
		}
	}
	taken, err := g.insert(tx, events)
	if err != nil {
		return err
	}
	for _, w := range batch {
		if w.create != nil {
			w.create.taken = taken
		}
	}
	if err := g.plan(tx, requests); err != nil {
		return err
	}
	return g.record(tx, records)
}

func (g *group) alone(ctx context.Context, run runner, do func(tx *gorm.DB) error) error {
	return inTime(ctx, g.timeout, func(ctx context.Context) error { return run(ctx, do) })
}

// single reports whether the writes are all new events, or on Postgres all attempts, that one statement has room for.
func (s *Store) single(batch []*write) bool {
	bytes, rows, deliveries := 0, 0, map[string]bool{}
	for _, w := range batch {
		bytes += w.size()
		switch {
		case w.create != nil && len(deliveries) == 0:
			rows += len(w.create.events)
		case w.record != nil && rows == 0 && s.dialect == goose.DialectPostgres && !deliveries[w.record.attempt.DeliveryID]:
			deliveries[w.record.attempt.DeliveryID] = true
		default:
			return false
		}
	}
	return rows <= rowsAtOnce(s.write) && (rows == 1 || bytes <= insertBytes)
}
