package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// TestAWideEventLeavesTheOthersTheirCommit plans one that is too wide to share a commit while others share one.
func TestAWideEventLeavesTheOthersTheirCommit(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		for range planPage - 1 { // there is one
			d.subscribe(t, func(*models.Subscription) {})
		}
		wide := d.publish(t, models.Event{Type: "a"})
		var narrow []*models.Event
		for range 3 {
			narrow = append(narrow, d.publish(t, models.Event{Tenant: "other", Type: "a"}))
		}
		require.Eventually(t, func() bool { return d.plans.commits() == 0 }, time.Minute, time.Millisecond)
		commits, commit := 0, d.plans.transaction
		d.plans.transaction = func(ctx context.Context, do func(tx *gorm.DB) error) error {
			commits++
			return commit(ctx, do)
		}
		d.plans.slots = 0 // all wait until told

		var all sync.WaitGroup
		var plan models.Plan
		var planned error
		all.Go(func() { plan, planned = d.PlanDeliveries(t.Context(), wide.ID, nil) })
		others := make([]error, 3)
		for i := range others {
			all.Go(func() { _, others[i] = d.PlanDeliveries(t.Context(), narrow[i].ID, nil) })
		}
		require.Eventually(t, func() bool { return d.plans.queued() == 4 }, time.Minute, time.Millisecond)
		d.plans.mu.Lock()
		d.plans.slots, d.plans.busy = 1, 1
		d.plans.mu.Unlock()
		d.plans.work()
		all.Wait()

		require.NoError(t, planned)
		require.Equal(t, planPage, plan.Deliveries)
		require.Len(t, plan.Planned, 1)
		require.Equal(t, planPage, plan.Planned[0].Deliveries)
		for _, err := range others {
			require.NoError(t, err)
		}
		require.Equal(t, 1, commits)
	})
}

// commits is how many are under way.
func (g *group) commits() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy
}
