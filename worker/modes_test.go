package worker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// TestModeOfATenantComesFromTheStore changes the mode while the dispatcher runs.
func TestModeOfATenantComesFromTheStore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart = b.plan
		d := b.dispatch(t, worker.DispatcherOptions{})
		startedInline := func(tenant string) bool {
			d.Wake(b.accept(t, tenant, 1)...)
			b.mu.Lock()
			defer b.mu.Unlock()
			return slices.ContainsFunc(b.begun, func(in workflows.DeliverEventInput) bool { return in.Tenant == tenant && in.Inline })
		}
		require.False(t, startedInline("a"))
		require.NoError(t, b.UpdateTenant(t.Context(), "a", func(tenant *models.Tenant) error {
			tenant.DeliveryMode = models.ModeInline
			return nil
		}))
		require.Eventually(t, func() bool { return startedInline("a") }, limit, 100*time.Millisecond)
		require.False(t, startedInline("b"))
	})
}
