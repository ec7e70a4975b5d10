package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/client"
)

const (
	eventType  = "bench.event"
	callers    = 8           // that subscribe and unsubscribe
	tidyWithin = time.Minute // for tidying up after the work, even when the work was stopped
)

// field is the tenant of one measurement, with its subscriptions.
type field struct {
	*bench
	tenant        string
	subscriptions []string // ids; "" for a subscription that could not be made
}

// subscribe makes the subscriptions of a load. The field holds the subscriptions made so far even when it fails.
func (b *bench) subscribe(ctx context.Context, l load) (*field, error) {
	f := &field{bench: b, tenant: "bench-" + strings.ToLower(rand.Text())}
	wanted := b.subscriptions(f.tenant, l)
	f.subscriptions = make([]string, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callers)
	for i, fields := range wanted {
		group.Go(func() error {
			subscription, err := b.Client.CreateSubscription(ctx, fields)
			if err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
			f.subscriptions[i] = subscription.ID
			return nil
		})
	}
	return f, group.Wait()
}

// subscriptions returns the subscriptions that the load needs.
func (b *bench) subscriptions(tenant string, l load) []client.SubscriptionFields {
	var all []client.SubscriptionFields
	for _, n := range l.receivers() {
		fields := client.SubscriptionFields{Tenant: tenant, URL: fmt.Sprintf("%s/%d", b.Receiver, n), EventTypes: []string{eventType}}
		if l.retries {
			fields.RetrySchedule = repeat(5*time.Second, 20)
		}
		all = append(all, fields)
	}
	if l.beside {
		all = append(all, client.SubscriptionFields{
			Tenant: tenant, URL: b.Receiver + "/" + besidePath, EventTypes: []string{eventType},
			Timeout: client.Duration(b.Timeout),
		})
	}
	return all
}

func repeat(d time.Duration, times int) []client.Duration {
	all := make([]client.Duration, times)
	for i := range all {
		all[i] = client.Duration(d)
	}
	return all
}

// events returns n new events.
func (f *field) events(data json.RawMessage, n int) []client.Event {
	all := make([]client.Event, n)
	for i := range all {
		all[i] = client.Event{Tenant: f.tenant, Type: eventType, Data: data}
	}
	return all
}

// clear deletes the subscriptions, which cancels their waiting deliveries, and ends the hanging requests. A subscription
// that cannot be deleted stays: its tenant gets no more events.
func (f *field) clear(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWithin)
	defer cancel()
	group := errgroup.Group{}
	group.SetLimit(callers)
	for _, id := range f.subscriptions {
		if id != "" {
			group.Go(func() error { _ = f.Client.DeleteSubscription(ctx, id); return nil })
		}
	}
	_ = group.Wait()
	_ = f.receiver.reset(ctx, conduct{})
}
