package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
)

// revivePages bounds one round of reviving. What is overdue is usually not lost but waits for workers that are busy.
const revivePages = 10

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
			if !d.backlog.found(tenant) {
				return after, nil
			}
			after = tenant
		}
		if len(tenants) < sweepPage {
			return "", nil
		}
	}
}

// passOver logs a refusal of Temporal's and takes it for done, so that one such row does not hold up the others.
func (d *Dispatcher) passOver(ctx context.Context, what, id string, err error) error {
	_, refused := errors.AsType[*serviceerror.InvalidArgument](err)
	if refused || models.ErrorCode(err) == models.CodeConflict { // which is how Control says it
		d.Logger.ErrorContext(ctx, "Temporal refuses to start a workflow", what, id, "error", err)
		return nil
	}
	return err
}

// each does the work for every row of a page, some at a time, and stops at the first error.
func each[T any](ctx context.Context, page []T, work func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(Starters)
	for _, row := range page {
		group.Go(func() error { return work(ctx, row) })
	}
	return group.Wait()
}

// report logs the change from working to failing and back, not every failure.
func (d *Dispatcher) report(ctx context.Context, failing *bool, err error) {
	if ctx.Err() != nil || *failing == (err != nil) {
		return
	}
	*failing = err != nil
	if *failing {
		d.Logger.WarnContext(ctx, "accepted events wait: they cannot be started now", "error", err)
	} else {
		d.Logger.InfoContext(ctx, "accepted events are being started again")
	}
}

// reviver returns the work that looks after overdue deliveries, some pages at a time round and round. A delivery whose
// workflow runs is left alone; one whose workflow is gone, because the engine's data was lost or the workflow was
// terminated, gets a new one.
func (d *Dispatcher) reviver() func(context.Context) {
	after := ""
	return func(ctx context.Context) {
		for range revivePages {
			page, err := d.Store.OverdueDeliveries(ctx, time.Now().Add(-d.OverdueAfter), after, sweepPage)
			if err == nil {
				err = each(ctx, page, d.revive)
			}
			if err != nil {
				d.Logger.DebugContext(ctx, "overdue deliveries not looked after", "error", err) // the sweep reports it
				return
			}
			if len(page) < sweepPage {
				after = ""
				return
			}
			after = page[len(page)-1].ID
		}
	}
}

func (d *Dispatcher) revive(ctx context.Context, delivery *models.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return d.passOver(ctx, "delivery_id", delivery.ID, d.Control.Begin(ctx, delivery))
}

// resumeJobs starts the jobs that the store says are under way and whose workflow may be missing, because Temporal was
// away or the process died when they were asked for. One that runs is left to run.
func (d *Dispatcher) resumeJobs(ctx context.Context) {
	err := errors.Join(
		walk(ctx, d.Store.ResumingSubscriptions, func(s *models.Subscription) string { return s.ID }, d.resumeSubscription),
		walk(ctx, d.Store.RunningRecoveries, func(r *models.Recovery) string { return r.ID }, d.resumeRecovery),
	)
	if err != nil {
		d.Logger.DebugContext(ctx, "jobs not looked after", "error", err) // the sweep reports it
	}
}

func (d *Dispatcher) resumeSubscription(ctx context.Context, s *models.Subscription) error {
	return d.passOver(ctx, "subscription_id", s.ID, d.Control.Start(ctx, models.ResumeJob(s, models.Why{})))
}

func (d *Dispatcher) resumeRecovery(ctx context.Context, r *models.Recovery) error {
	return d.passOver(ctx, "recovery_id", r.ID, d.Control.Start(ctx, r.Job()))
}

// walk does the work for every row of a list that is read in pages by id.
func walk[T any](
	ctx context.Context, list func(ctx context.Context, after string, limit int) ([]T, error),
	id func(T) string, work func(context.Context, T) error,
) error {
	for after := ""; ; {
		page, err := list(ctx, after, sweepPage)
		if err == nil {
			err = each(ctx, page, work)
		}
		if err != nil || len(page) < sweepPage {
			return err
		}
		after = id(page[len(page)-1])
	}
}
