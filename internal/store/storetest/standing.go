package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testStanding(t *testing.T, open Open) {
	run := cases(t, open)
	again := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour)}

	run("a delivery fails since its first failure until it succeeds", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		first := newAttempt(d, 1)
		first.StartedAt = time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		require.NoError(t, b.RecordAttempt(t.Context(), first, again))
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 2), again))
		require.Equal(t, first.StartedAt, b.reload(t, d).FailingSince)
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 3)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		require.Zero(t, b.reload(t, d).FailingSince)
	})

	run("a subscription fails since the oldest failure of what is being retried", func(t *testing.T, b *bundle) {
		sub, other := b.subscription(t, "a"), b.subscription(t, "b")
		var deliveries []*models.Delivery
		var attempts []*models.Attempt
		for i := range 3 {
			d := b.plan(t, b.event(t, "a").ID)[0]
			a := newAttempt(d, 1)
			a.StartedAt = time.Now().Add(time.Duration(i-3) * time.Hour).UTC().Truncate(time.Microsecond)
			require.NoError(t, b.RecordAttempt(t.Context(), a, again))
			deliveries, attempts = append(deliveries, d), append(attempts, a)
		}
		require.Equal(t, map[string]time.Time{sub.ID: attempts[0].StartedAt}, b.failing(t, sub.ID, other.ID, "sub_none"))
		b.close(t, deliveries[0], models.DeliveryExhausted)
		require.Equal(t, map[string]time.Time{sub.ID: attempts[1].StartedAt}, b.failing(t, sub.ID))
		b.close(t, deliveries[1], models.DeliveryDelivered)
		b.close(t, deliveries[2], models.DeliveryCancelled)
		require.Empty(t, b.failing(t, sub.ID))
	})

	run("a paused subscription says since when, by whom, why and how many it holds", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		paused, err := b.UpdateSubscription(t.Context(), d.SubscriptionID, setStatus(models.SubscriptionPaused),
			models.AuditEntry{Action: models.AuditPauseSubscription, Why: annForATest})
		require.NoError(t, err)
		require.Equal(t, paused.UpdatedAt, paused.PausedAt)
		require.Equal(t, annForATest, paused.Paused)
		held, err := b.CountHeld(t.Context(), d.SubscriptionID)
		require.NoError(t, err)
		require.Equal(t, 1, held)

		renamed, err := b.UpdateSubscription(t.Context(), d.SubscriptionID, func(s *models.Subscription) error { s.Name = "x"; return nil })
		require.NoError(t, err)
		require.Equal(t, annForATest, renamed.Paused, "another change does not change that")
		require.Equal(t, paused.PausedAt, b.loadSubscription(t, d.SubscriptionID).PausedAt)

		resumed := b.resume(t, d.SubscriptionID, 0)
		require.Zero(t, resumed.PausedAt)
		require.Zero(t, resumed.Paused)
	})

	run("disabling by an answer is audited, once", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		for range 2 {
			b.disable(t, sub, "the receiver answered 410 Gone")
		}
		entries := b.audit(t, models.AuditFilter{Subject: sub.ID})
		require.Len(t, entries, 1)
		require.Equal(t, models.AuditDisableSubscription, entries[0].Action)
		require.Equal(t, models.Why{By: "posthaste", Reason: "the receiver answered 410 Gone"}, entries[0].Why)
		require.Equal(t, b.tenant, entries[0].Tenant)
	})

	run("what is halted in Temporal is audited once, and let go by an attempt", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		entry := models.AuditEntry{Action: models.AuditHaltDelivery, Why: annForATest}
		for i := range 3 {
			news, err := b.HaltDelivery(t.Context(), d.ID, "paused in Temporal by ann", entry)
			require.NoError(t, err)
			require.Equal(t, i == 0, news)
		}
		require.Equal(t, "paused in Temporal by ann", b.reload(t, d).Halted)
		b.requireAudit(t, d.ID, models.AuditHaltDelivery)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), again))
		require.Empty(t, b.reload(t, d).Halted)

		b.close(t, d, models.DeliveryExhausted)
		news, err := b.HaltDelivery(t.Context(), d.ID, "x", entry)
		require.NoError(t, err)
		require.False(t, news)
	})
}

func (b *bundle) failing(t *testing.T, ids ...string) map[string]time.Time {
	t.Helper()
	since, err := b.FailingSince(t.Context(), ids...)
	require.NoError(t, err)
	return since
}
