package storetest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testWork(t *testing.T, open Open) {
	run := cases(t, open)

	run("it is the delivery with its event and its subscription, without the properties", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		_, err := b.UpdateSubscription(t.Context(), d.SubscriptionID, func(s *models.Subscription) error {
			s.Properties = map[string]json.RawMessage{"a": raw("1")}
			return nil
		})
		require.NoError(t, err)
		for range 2 { // read, and remembered
			work := b.work(t, d)
			require.Equal(t, d, work.Delivery)
			event, err := b.Event(t.Context(), d.EventID)
			require.NoError(t, err)
			require.Equal(t, event, work.Event)
			sub := b.loadSubscription(t, d.SubscriptionID)
			sub.Properties = nil
			require.Equal(t, sub, work.Subscription)
		}
	})

	run("what happens to the delivery is in it at once", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.work(t, d)
		b.pause(t, d.SubscriptionID)
		require.Equal(t, models.DeliveryHeld, b.work(t, d).Delivery.Status)
	})

	run("a closed delivery needs neither", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.work(t, d)
		b.close(t, d, models.DeliveryExhausted)
		require.Equal(t, &models.Work{Delivery: b.reload(t, d)}, b.work(t, d))
	})

	run("a deleted subscription is not in it", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.work(t, d)
		require.NoError(t, b.DeleteSubscription(t.Context(), d.SubscriptionID))
		work := b.work(t, d)
		require.Nil(t, work.Subscription)
		require.Equal(t, d.EventID, work.Event.ID)
	})

	run("an unknown delivery is not found", func(t *testing.T, b *bundle) {
		_, err := b.Work(t.Context(), "dlv_none")
		requireCode(t, models.CodeNotFound, err)
	})
}

func (b *bundle) work(t *testing.T, d *models.Delivery) *models.Work {
	t.Helper()
	work, err := b.Work(t.Context(), d.ID)
	require.NoError(t, err)
	return work
}
