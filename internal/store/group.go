package store

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	groupLimit   = 64               // writes that share a commit at most
	groupQueue   = 2048             // writes that wait at most; their data are in memory
	groupTimeout = 10 * time.Second // for a commit of several
)

// group lets writes that come at the same time share a commit, which is most of what a small one costs. While there are
// fewer than lanes commits under way a write goes at once and alone; those that come meanwhile wait, and go together.
type group struct {
	transaction func(ctx context.Context, do func(tx *gorm.DB) error) error
	lanes       int

	mu      sync.Mutex
	waiting []*write
	busy    int // commits under way
}

// write is a transaction that may be carried out within another one's.
type write struct {
	ctx  context.Context
	do   func(tx *gorm.DB) error
	done chan error
}

// write carries out do in a transaction. Do may be called more than once and must then begin anew; only its last call
// counts. When too many wait already it is a CodeBusy error.
func (g *group) write(ctx context.Context, do func(tx *gorm.DB) error) error {
	w := &write{ctx: ctx, do: do, done: make(chan error, 1)}
	if !g.enqueue(w) { //nolint:contextcheck // a commit that is shared must outlive each of its writes' contexts
		return models.Errorf(models.CodeBusy, "%d writes wait already; try again in a moment", groupQueue)
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *group) enqueue(w *write) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) >= groupQueue {
		return false
	}
	g.waiting = append(g.waiting, w)
	if g.busy < g.lanes {
		g.busy++
		go g.work()
	}
	return true
}

// work commits what waits until nothing does.
func (g *group) work() {
	for batch := g.take(); len(batch) > 0; batch = g.take() {
		g.commit(batch)
	}
}

func (g *group) take() []*write {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.waiting[:min(len(g.waiting), groupLimit)]
	g.waiting = g.waiting[len(batch):]
	if len(batch) == 0 {
		g.waiting = nil
		g.busy--
	}
	return batch
}

// commit commits a batch in one transaction, or, should one of its writes fail, each in its own.
func (g *group) commit(batch []*write) {
	if len(batch) > 1 && g.together(batch) == nil {
		for _, w := range batch {
			w.done <- nil
		}
		return
	}
	for _, w := range batch {
		w.done <- g.transaction(w.ctx, w.do)
	}
}

// together leaves out the contexts of the single writes: one that ends must not take the others with it.
func (g *group) together(batch []*write) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), groupTimeout)
	defer cancel()
	return g.transaction(ctx, func(tx *gorm.DB) error {
		for _, w := range batch {
			if err := w.do(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
