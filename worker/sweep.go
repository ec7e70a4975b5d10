package worker

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// sweep starts every event that has been accepted for a while, page by page. It gives up at the first failure, which it
// reports once, and tries again at the next tick.
func (d *Dispatcher) sweep(ctx context.Context) {
	before, after := time.Now().Add(-d.SweepAfter), ""
	for {
		page, err := d.Store.AcceptedEvents(ctx, before, after, sweepPage)
		if err == nil {
			err = d.startPage(ctx, page)
		}
		d.report(ctx, err)
		if err != nil || len(page) < sweepPage {
			return
		}
		after = page[len(page)-1].ID
	}
}

func (d *Dispatcher) startPage(ctx context.Context, page []*models.Event) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(starters)
	for _, event := range page {
		if !d.started.Contains(event.ID) {
			group.Go(func() error { return d.start(ctx, event) })
		}
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

// reviver returns the work that looks after overdue deliveries, one page at a time round and round. A delivery whose
// workflow runs is left alone; one whose workflow is gone, because the engine's data was lost or the workflow was
// terminated, gets a new one.
func (d *Dispatcher) reviver() func(context.Context) {
	after := ""
	return func(ctx context.Context) {
		page, err := d.Store.OverdueDeliveries(ctx, time.Now().Add(-d.OverdueAfter), after, sweepPage)
		if err != nil {
			return // the sweep reports that the store is away
		}
		after = ""
		if len(page) == sweepPage {
			after = page[len(page)-1].ID
		}
		for _, delivery := range page {
			if err := d.revive(ctx, delivery); err != nil {
				d.Logger.DebugContext(ctx, "overdue deliveries not looked after", "error", err)
				return
			}
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
	return err
}
