package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// These constants say how long a publisher at a terminal waits to hear that no subscription matches, and how often it asks.
const (
	planWait = 2 * time.Second
	planPoll = 50 * time.Millisecond
)

// watchPlan waits a moment until the event is planned, and says so if no subscription matched it. An error here does not
// make the publication fail.
func (o *operator) watchPlan(ctx context.Context, eventID string) {
	ctx, cancel := context.WithTimeout(ctx, planWait)
	defer cancel()
	for {
		event, err := o.Event(ctx, eventID)
		if err != nil || event.Matched != nil {
			o.tellUnmatched(ctx, event)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(planPoll):
		}
	}
}

// tellUnmatched says why an event that no subscription matched is not delivered.
func (o *operator) tellUnmatched(ctx context.Context, event *client.StoredEvent) {
	if event == nil || event.Matched == nil || *event.Matched > 0 {
		return
	}
	why := fmt.Sprintf("no subscription of tenant %s wanted %s then", event.Tenant, event.Type)
	some, _, err := take(o.Subscriptions(ctx, client.SubscriptionFilter{Tenant: event.Tenant, PageSize: 1}), 1)
	if err == nil && len(some) == 0 {
		why = fmt.Sprintf("tenant %s has no subscriptions", event.Tenant)
	}
	fmt.Fprintln(o.s.Err, terminal.Printable("no subscription matched, so nothing is delivered: "+why))
}
