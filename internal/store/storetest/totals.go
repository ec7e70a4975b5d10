package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func testTotals(t *testing.T, open Open) {
	t.Run("count what is not settled, of all tenants", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		requireTotals(t, s, time.Now(), models.Totals{})
		a, b := &bundle{Store: s, tenant: "a"}, &bundle{Store: s, tenant: "b"}
		a.close(t, a.delivery(t), models.DeliveryDelivered)
		a.close(t, a.delivery(t), models.DeliveryExhausted)
		b.close(t, b.delivery(t), models.DeliveryCancelled)
		b.pause(t, b.delivery(t).SubscriptionID)
		pending := b.delivery(t)
		soon, late := pending.NextAttemptAt.Add(models.OverdueAfter), pending.NextAttemptAt.Add(models.OverdueAfter+time.Second)
		requireTotals(t, s, soon, models.Totals{Pending: 1, Held: 1, Exhausted: 1})
		requireTotals(t, s, late, models.Totals{Pending: 1, Held: 1, Exhausted: 1, Overdue: 1})
	})

	t.Run("count each subscription that fails once", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		now := time.Now()
		again := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: now.Add(24 * time.Hour)}
		for tenant, since := range map[string][]time.Duration{"a": {2 * time.Hour, time.Minute}, "b": {time.Minute}, "c": {}} {
			b := &bundle{Store: s, tenant: tenant}
			b.subscription(t, "*")
			b.plan(t, b.event(t, "a").ID)
			for _, ago := range since {
				failed := newAttempt(b.plan(t, b.event(t, "a").ID)[0], 1)
				failed.StartedAt = now.Add(-ago)
				require.NoError(t, b.RecordAttempt(t.Context(), failed, again))
			}
		}
		requireTotals(t, s, now, models.Totals{Pending: 6, Failing: 2, FailingLong: 1})
		requireTotals(t, s, now.Add(time.Hour), models.Totals{Pending: 6, Overdue: 3, Failing: 2, FailingLong: 2})
	})
}

func requireTotals(t *testing.T, s *store.Store, at time.Time, want models.Totals) {
	t.Helper()
	found, err := s.Totals(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, want, found)
}
