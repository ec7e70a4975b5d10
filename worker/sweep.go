package worker

import (
	"context"
	"time"
)

// sweeper returns the work that finds tenants with events that have been accepted for a while and that nobody has planned.
func (d *Dispatcher) sweeper() func(context.Context) {
	after, failing := "", false
	return func(ctx context.Context) {
		var err error
		after, err = d.sweep(ctx, after)
		d.report(ctx, &failing, err)
	}
}

// sweep marks tenants as behind, by name from the given one, and returns the tenant after which the next sweep goes on.
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

// report logs only the change from working to failing and back.
func (d *Dispatcher) report(ctx context.Context, failing *bool, err error) {
	if ctx.Err() != nil || *failing == (err != nil) {
		return
	}
	*failing = err != nil
	if *failing {
		d.Logger.WarnContext(ctx, "dispatcher.stalled", "error", err,
			"hint", "accepted events wait in the database, and start as soon as Temporal and the database answer")
	} else {
		d.Logger.InfoContext(ctx, "dispatcher.resumed")
	}
}
