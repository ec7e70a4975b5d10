package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

var annForATest = models.Why{By: "ann", Reason: "a test"}

func testCancelDelivery(t *testing.T, open Open) {
	run := cases(t, open)

	run("what is not delivered is cancelled, with a reason and an audit entry", func(t *testing.T, b *bundle) {
		exhausted := b.delivery(t)
		b.close(t, exhausted, models.DeliveryExhausted)
		for _, d := range []*models.Delivery{b.delivery(t), b.held(t), exhausted} {
			after, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel, Why: annForATest, Origin: d.ID + "/1"})
			require.NoError(t, err)
			require.Equal(t, models.DeliveryCancelled, after.Status)
			require.Equal(t, "a test (by ann)", after.Reason)
			require.Zero(t, after.NextAttemptAt)
			require.Equal(t, after, b.reload(t, d))
			b.requireAudit(t, d.ID, models.AuditCancelDelivery)

			again, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel})
			require.NoError(t, err)
			require.Equal(t, after, again)
			b.requireAudit(t, d.ID, models.AuditCancelDelivery)
		}
	})

	run("what is delivered stays so", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.close(t, d, models.DeliveryDelivered)
		before := b.reload(t, d)
		after, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel, Why: annForATest})
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.Equal(t, before, b.reload(t, d))
		b.requireAudit(t, d.ID)
	})

	run("a repetition does not cancel what was redelivered since", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		_, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel, Why: annForATest, Origin: d.ID})
		require.NoError(t, err)
		b.bringForward(t, d, time.Now())
		after, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel, Why: annForATest, Origin: d.ID})
		require.NoError(t, err)
		require.Equal(t, models.DeliveryPending, after.Status)
		require.Equal(t, after, b.reload(t, d))
	})

	run("an unknown id is not found", func(t *testing.T, b *bundle) {
		_, err := b.ChangeDelivery(t.Context(), "dlv_none", models.Change{Act: models.ActCancel, Why: annForATest})
		requireCode(t, models.CodeNotFound, err)
	})
}

func testRedeliver(t *testing.T, open Open) {
	run := cases(t, open)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)

	run("a pending delivery is due then, forwarded if it was due later", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.bringForward(t, d, at)
		require.Equal(t, at, b.reload(t, d).NextAttemptAt)
		require.Zero(t, b.reload(t, d).Forwarded, "it was due already")
		for range 2 {
			b.bringForward(t, d, at.Add(-time.Minute))
			require.Equal(t, 1, b.reload(t, d).Forwarded)
		}
		b.requireAudit(t, d.ID, models.AuditRedeliverDelivery, models.AuditRedeliverDelivery, models.AuditRedeliverDelivery)
	})

	run("a held delivery stays as it is, but the audit tells of it", func(t *testing.T, b *bundle) {
		d := b.held(t)
		b.change(t, d, redeliver(at, 0))
		require.Equal(t, d, b.reload(t, d))
		b.requireAudit(t, d.ID, models.AuditRedeliverDelivery)
	})

	run("a closed delivery begins its schedule anew", func(t *testing.T, b *bundle) {
		for _, status := range []models.DeliveryStatus{
			models.DeliveryExhausted, models.DeliveryCancelled, models.DeliveryDelivered,
		} {
			d := b.delivery(t)
			outcome := models.DeliveryOutcome{Status: status, Reason: "so"}
			require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), outcome))
			b.change(t, d, redeliver(at, 1))
			stored := b.reload(t, d)
			d.Status, d.NextAttemptAt, d.Attempts, d.Forwarded = models.DeliveryPending, at, 1, 1
			d.LastError, d.UpdatedAt, d.FailingSince = "answered 503", stored.UpdatedAt, stored.FailingSince
			d.LastClass, d.LastCode = models.ErrorStatus, 503
			require.Equal(t, d, stored)
			b.requireAudit(t, d.ID, models.AuditRedeliverDelivery)
		}
	})

	run("what a later attempt delivered stays delivered", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		delivered := models.DeliveryOutcome{Status: models.DeliveryDelivered}
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 1)), delivered))
		before := b.reload(t, d)
		b.change(t, d, redeliver(at, 0))
		require.Equal(t, before, b.reload(t, d))
		b.requireAudit(t, d.ID)
	})

	run("what was closed stays so when its subscription takes nothing any more", func(t *testing.T, b *bundle) {
		disabled, deleted := b.delivery(t), b.delivery(t)
		_, err := b.UpdateSubscription(t.Context(), disabled.SubscriptionID, setStatus(models.SubscriptionDisabled))
		require.NoError(t, err)
		require.NoError(t, b.DeleteSubscription(t.Context(), deleted.SubscriptionID))
		for _, d := range []*models.Delivery{disabled, deleted} {
			b.close(t, d, models.DeliveryExhausted)
			before := b.reload(t, d)
			b.change(t, d, redeliver(at, 0))
			require.Equal(t, before, b.reload(t, d))
			b.requireAudit(t, d.ID)
		}
	})

	run("a repetition changes nothing, also at once", func(t *testing.T, b *bundle) {
		for range rounds {
			d := b.delivery(t)
			b.bringForward(t, d, at.Add(time.Hour))
			errs := make([]error, 8)
			atOnce(len(errs), func(i int) { // each earlier than the one before would count as forwarded
				due := at.Add(-time.Duration(i) * time.Minute)
				change := redeliver(due, 0)
				change.Origin = d.ID
				_, errs[i] = b.ChangeDelivery(t.Context(), d.ID, change)
			})
			require.NoError(t, errors.Join(errs...))
			stored := b.reload(t, d)
			require.Equal(t, 1, stored.Forwarded)
			b.requireAudit(t, d.ID, models.AuditRedeliverDelivery, models.AuditRedeliverDelivery)

			b.close(t, d, models.DeliveryExhausted)
			again := redeliver(at, 0)
			again.Origin = d.ID
			require.Equal(t, models.DeliveryExhausted, b.change(t, d, again).Status)
		}
	})
}

// requireAudit checks what the audit says was done to the subject, newest first.
func (b *bundle) requireAudit(t *testing.T, subject string, want ...models.AuditAction) {
	t.Helper()
	entries, err := b.Audit(t.Context(), models.AuditFilter{Tenant: b.tenant, Subject: subject})
	require.NoError(t, err)
	require.Len(t, entries, len(want))
	for i, e := range entries {
		require.Equal(t, want[i], e.Action)
		require.WithinDuration(t, time.Now(), e.At, time.Minute)
	}
}
