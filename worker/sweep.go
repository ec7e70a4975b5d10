package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// revivePages bounds one round of reviving. What is overdue is usually not lost but waits for workers that are busy.
const revivePages = 10

// sweep starts every event that has been accepted for a while, page by page. It gives up when Temporal or the store
// does not answer, which it reports once, and tries again at the next tick.
func (d *Dispatcher) sweep(ctx context.Context) {
	before, after := time.Now().Add(-d.SweepAfter), ""
	for {
		page, err := d.Store.AcceptedEvents(ctx, before, after, sweepPage)
		if err == nil {
			err = each(ctx, page, d.startAgain)
		}
		d.report(ctx, err)
		if err != nil || len(page) < sweepPage {
			return
		}
		after = page[len(page)-1].ID
	}
}

// startAgain starts an event unless this process has started it not long ago.
func (d *Dispatcher) startAgain(ctx context.Context, event *models.Event) error {
	if d.started.Contains(event.ID) {
		return nil
	}
	return d.passOver(ctx, "event_id", event.ID, d.start(ctx, input(event)))
}

// passOver logs a refusal of Temporal's and takes it for done, so that one such row does not hold up the others.
func (d *Dispatcher) passOver(ctx context.Context, what, id string, err error) error {
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		d.Logger.ErrorContext(ctx, "Temporal refuses to start a workflow", what, id, "error", err)
		return nil
	}
	return err
}

// each does the work for every row of a page, some at a time, and stops at the first error.
func each[T any](ctx context.Context, page []T, work func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(starters)
	for _, row := range page {
		group.Go(func() error { return work(ctx, row) })
	}
	return group.Wait()
}

// report logs the change from working to failing and back, not every failure.
func (d *Dispatcher) report(ctx context.Context, err error) {
	failing := err != nil
	if ctx.Err() != nil || failing == d.failing {
		return
	}
	d.failing = failing
	if failing {
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
	in := workflows.DeliverToSubscriberInput{
		DeliveryID: delivery.ID, EventID: delivery.EventID, SubscriptionID: delivery.SubscriptionID,
		Tenant: delivery.Tenant, EventType: delivery.EventType,
	}
	options := workflows.DeliveryOptions(in, d.TaskQueue)
	_, err := d.Client.ExecuteWorkflow(ctx, options, workflows.DeliverToSubscriberName, in)
	return d.passOver(ctx, "delivery_id", delivery.ID, err)
}
