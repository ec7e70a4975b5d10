package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
)

const (
	// revivePages bounds the deliveries looked after at a time. An overdue delivery is usually not lost but waits for busy
	// workers.
	revivePages = 10
	jobPages    = 10
)

// sweeper returns the work that finds the tenants of events which have been accepted for a while and that nobody has
// started. It reports once that it cannot.
func (d *Dispatcher) sweeper() func(context.Context) {
	after, failing := "", false
	return func(ctx context.Context) {
		var err error
		after, err = d.sweep(ctx, after)
		d.report(ctx, &failing, err)
	}
}

// sweep goes through the tenants after the given one, by name, and returns after which the next sweep should go on.
func (d *Dispatcher) sweep(ctx context.Context, after string) (string, error) {
	before := time.Now().Add(-d.SweepAfter)
	for {
		tenants, err := d.Store.AcceptedTenants(ctx, before, after, sweepPage)
		if err != nil {
			return after, err
		}
		for _, tenant := range tenants {
			if !d.backlog.MarkBehind(tenant) {
				return after, nil
			}
			after = tenant
		}
		if len(tenants) < sweepPage {
			return "", nil
		}
	}
}

// unlessRefused logs a refusal of Temporal's and takes the start for done, so that one such row does not hold up the
// others. It returns any other error.
func (d *Dispatcher) unlessRefused(ctx context.Context, what, id string, err error) error {
	_, refused := errors.AsType[*serviceerror.InvalidArgument](err)
	if refused || models.ErrorCode(err) == models.CodeConflict { // which is how Control says it
		d.Logger.ErrorContext(ctx, "workflow.refused", what, id, "error", err)
		return nil
	}
	return err
}

// report logs the change from working to failing and back, not every failure.
func (d *Dispatcher) report(ctx context.Context, failing *bool, err error) {
	if ctx.Err() != nil || *failing == (err != nil) {
		return
	}
	*failing = err != nil
	if *failing {
		d.Logger.WarnContext(ctx, "dispatcher.stalled", "error", err)
	} else {
		d.Logger.InfoContext(ctx, "dispatcher.resumed")
	}
}

// reviver returns the work that looks after overdue deliveries, some pages at a time, round and round. A delivery that
// nobody has touched since this process started is looked after as soon as it is due: a restored store or Temporal shows
// when the processes start again, and a delivery without a workflow occupies its tenant's room until it has one.
func (d *Dispatcher) reviver() func(context.Context) {
	started := time.Now()
	r := rounds[*models.Delivery]{
		pages: revivePages, id: func(delivery *models.Delivery) string { return delivery.ID }, work: d.revive,
		list: func(ctx context.Context, after string, limit int) ([]*models.Delivery, error) {
			return d.Store.OverdueDeliveries(ctx, time.Now().Add(-min(d.SweepAfter, d.OverdueAfter)), after, limit)
		},
		wanted: func(delivery *models.Delivery) bool {
			return delivery.UpdatedAt.Before(started) || time.Since(delivery.NextAttemptAt) > d.OverdueAfter
		},
	}
	return func(ctx context.Context) {
		if err := r.next(ctx); err != nil {
			d.Logger.DebugContext(ctx, "deliveries.not_revived", "error", err) // the sweep reports it
		}
	}
}

func (d *Dispatcher) revive(ctx context.Context, delivery *models.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	found, err := d.Control.Revive(ctx, delivery)
	if err == nil && found.words() != delivery.Halted {
		err = d.halt(ctx, delivery, found)
	}
	return d.unlessRefused(ctx, "delivery_id", delivery.ID, err)
}

// halt notes that somebody has paused a delivery in Temporal, or lets it go again.
func (d *Dispatcher) halt(ctx context.Context, delivery *models.Delivery, found Halt) error {
	var audit []models.AuditEntry
	if found.is {
		audit = []models.AuditEntry{{Action: models.AuditHaltDelivery, Why: found.why}}
	}
	news, err := d.Store.HaltDelivery(ctx, delivery.ID, found.words(), audit...)
	if news {
		d.Logger.LogAttrs(ctx, slog.LevelWarn, "delivery.halted", slog.String("delivery_id", delivery.ID),
			slog.Bool("halted", found.is), slog.String("by", found.why.By))
	}
	return err
}

// jobs returns the work that starts the jobs that the store says are under way and whose workflow may be missing, because
// Temporal was away or the process died when they were asked for. One that runs is left to run.
func (d *Dispatcher) jobs() func(context.Context) {
	resuming := rounds[*models.Subscription]{
		pages: jobPages, id: func(s *models.Subscription) string { return s.ID },
		list: d.Store.ResumingSubscriptions, work: d.resumeSubscription,
	}
	stopping := rounds[*models.Stop]{
		pages: jobPages, id: func(s *models.Stop) string { return s.ID },
		list: d.Store.WalkingStops, work: d.resumeStop,
	}
	running := rounds[*models.Recovery]{
		pages: jobPages, id: func(r *models.Recovery) string { return r.ID },
		list: d.Store.RunningRecoveries, work: d.resumeRecovery,
	}
	return func(ctx context.Context) {
		if err := errors.Join(resuming.next(ctx), stopping.next(ctx), running.next(ctx)); err != nil {
			d.Logger.DebugContext(ctx, "jobs.not_resumed", "error", err) // the sweep reports it
		}
	}
}

func (d *Dispatcher) resumeSubscription(ctx context.Context, s *models.Subscription) error {
	return d.resume(ctx, "subscription_id", s.ID, models.ResumeJob(s, models.Why{}))
}

func (d *Dispatcher) resumeStop(ctx context.Context, s *models.Stop) error {
	return d.resume(ctx, "stop_id", s.ID, s.Job())
}

func (d *Dispatcher) resumeRecovery(ctx context.Context, r *models.Recovery) error {
	return d.resume(ctx, "recovery_id", r.ID, r.Job())
}

func (d *Dispatcher) resume(ctx context.Context, what, id string, job models.Job) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return d.unlessRefused(ctx, what, id, d.Control.Start(ctx, job))
}

// rounds goes through a list that is read in pages by id, some pages at a time, round and round. Rows whose work fails are
// passed by until the next round, so that they are not in the way of those after them.
type rounds[T any] struct {
	pages  int
	list   func(ctx context.Context, after string, limit int) ([]T, error)
	wanted func(T) bool // nil: all of the list
	id     func(T) string
	work   func(context.Context, T) error

	after string // where it has come to
}

// next does the work for the next pages, no further than the end. It returns an error when it could not go on.
func (r *rounds[T]) next(ctx context.Context) error {
	for range r.pages {
		page, err := r.list(ctx, r.after, sweepPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			r.after = ""
			return nil
		}
		if r.after, err = r.each(ctx, page); err != nil {
			return err
		}
		if len(page) < sweepPage {
			r.after = ""
			return nil
		}
	}
	return nil
}

// each does the work for the wanted rows of a page, some at a time, and returns the id of the last row that is done with. A
// row that fails does not keep it from the others, unless so many do that it is not for the rows; then, and if none
// succeeded, it is an error.
func (r *rounds[T]) each(ctx context.Context, page []T) (last string, err error) {
	var done tally
	var group errgroup.Group
	group.SetLimit(Starters)
	for _, row := range page {
		if done.failure(hopeless) != nil || ctx.Err() != nil {
			break
		}
		last = r.id(row)
		if r.wanted == nil || r.wanted(row) {
			group.Go(func() error { done.add(r.id(row), r.work(ctx, row)); return nil })
		}
	}
	_ = group.Wait() // the tally has the errors
	return last, done.failure(1)
}
