package store_test

import (
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// TestNoChangeIsMissed changes two subscriptions of a tenant, in a process each, as often as it can, while others plan
// and attempt. Whatever begins after a change was committed has to see it.
func TestNoChangeIsMissed(t *testing.T) {
	t.Parallel()
	const changes, planners = 25, 4
	onBoth(t, func(t *testing.T, o store.Options) {
		migrated(t, o)
		var committed [2]atomic.Int64
		subs := map[string]*atomic.Int64{}
		b := newOffice(t, o)
		stores := []*store.Store{b.here, b.there}
		tenant := models.NewID("tenant_")
		var changing, planning sync.WaitGroup
		for i, s := range stores {
			sub := newOrderSubscription(tenant)
			sub.Properties = properties(0)
			require.NoError(t, s.CreateSubscription(t.Context(), sub))
			subs[sub.ID] = &committed[i]
			changing.Go(func() { change(t, s, sub.ID, changes, &committed[i]) })
		}
		stop := make(chan struct{})
		for i := range planners {
			planning.Go(func() {
				for over := false; !over; { // once more after the last change
					select {
					case <-stop:
						over = true
					default:
					}
					requireUpToDate(t, stores[i%2], tenant, subs)
				}
			})
		}
		changing.Wait()
		close(stop)
		planning.Wait()
	})
}

func properties(n int64) map[string]json.RawMessage {
	return map[string]json.RawMessage{"n": json.RawMessage(strconv.FormatInt(n, 10))}
}

// change counts up in the properties of the subscription, and in its name, and tells of each number after its commit.
func change(t *testing.T, s *store.Store, id string, times int64, committed *atomic.Int64) {
	t.Helper()
	for n := range times {
		_, err := s.UpdateSubscription(t.Context(), id, func(s *models.Subscription) error {
			s.Properties, s.Name = properties(n+1), strconv.FormatInt(n+1, 10)
			return nil
		})
		if err != nil {
			t.Errorf("change %d: %v", n, err)
			return
		}
		committed.Store(n + 1)
	}
}

// requireUpToDate plans an event and asks for the work of its deliveries. It reports instead of failing: it runs in
// goroutines.
func requireUpToDate(t *testing.T, s *store.Store, tenant string, subs map[string]*atomic.Int64) {
	t.Helper()
	event, err := publishOrder(t.Context(), s, tenant)
	if err != nil {
		t.Errorf("publish: %v", err)
		return
	}
	least := map[string]int64{}
	for id, committed := range subs {
		least[id] = committed.Load()
	}
	if plan, err := s.PlanDeliveries(t.Context(), event.ID, nil); err != nil || plan.Deliveries != len(subs) {
		t.Errorf("planned %d: %v", plan.Deliveries, err)
		return
	}
	targets, err := s.Targets(t.Context(), event.ID, 0, len(subs))
	if err != nil {
		t.Errorf("targets: %v", err)
	}
	for _, target := range targets {
		committed := subs[target.SubscriptionID].Load()
		work, err := s.Work(t.Context(), target.DeliveryID)
		if err != nil {
			t.Errorf("work: %v", err)
			return
		}
		var planned struct{ N int64 }
		attempted, _ := strconv.ParseInt(work.Subscription.Name, 10, 64)
		if err := json.Unmarshal(work.Delivery.Properties, &planned); err != nil || planned.N < least[target.SubscriptionID] {
			t.Errorf("planned at %d after %d was committed: %v", planned.N, least[target.SubscriptionID], err)
		}
		if attempted < committed {
			t.Errorf("attempted at %d after %d was committed", attempted, committed)
		}
	}
}
