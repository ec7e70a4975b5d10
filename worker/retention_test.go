package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
)

func TestEventsAreRemovedAtTheEndOfTheirRetention(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.subscribe(t, "a", 1)
		events := b.accept(t, "a", 3)
		for _, event := range events[:2] {
			require.NoError(t, b.plan(event.ID))
		}
		require.NoError(t, b.end(events[0].ID))
		require.NoError(t, b.AddAudit(t.Context(), models.AuditEntry{Tenant: "a"}))

		day := 24 * time.Hour
		require.NoError(t, b.UpdateTenant(t.Context(), "longer", func(tenant *models.Tenant) error {
			tenant.Retention = &day
			return nil
		}))
		b.subscribe(t, "longer", 1)
		elsewhere := b.accept(t, "longer", 1)
		require.NoError(t, b.plan(elsewhere[0].ID))
		require.NoError(t, b.end(elsewhere[0].ID))

		for range 3 { // dispatchers
			b.dispatch(t, worker.DispatcherOptions{Retention: models.Retention{Events: time.Millisecond}, ExpireEvery: 20 * time.Millisecond})
		}
		require.Eventually(t, func() bool {
			_, err := b.Event(t.Context(), events[0].ID)
			return models.ErrorCode(err) == models.CodeNotFound
		}, limit, time.Millisecond)
		for _, event := range events[1:] {
			_, err := b.Event(t.Context(), event.ID)
			require.NoError(t, err, "what is open stays")
		}
		_, err := b.Event(t.Context(), elsewhere[0].ID)
		require.NoError(t, err, "its tenant keeps it for longer")
		audit, err := b.Audit(t.Context(), models.AuditFilter{})
		require.NoError(t, err)
		require.Len(t, audit, 1, "the audit is kept for ever, unless it has a retention of its own")
	})
}
