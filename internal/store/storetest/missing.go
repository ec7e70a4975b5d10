package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testMissing(t *testing.T, open Open) {
	run := cases(t, open)
	since, until := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)

	run("what matches and was planned before the subscription came is missing", func(t *testing.T, b *bundle) {
		types := []string{
			"order", "order.paid", "order.paid.late", "orders.paid", "Order.paid", "order/paid", "order-paid", "orderXpaid",
			"user_made", "userXmade", "user%", "users",
		}
		made := map[string]string{}
		for _, eventType := range types {
			made[eventType] = b.event(t, eventType).ID
			b.plan(t, made[eventType])
		}
		for _, c := range []struct{ patterns, want []string }{
			{[]string{"*"}, types},
			{[]string{"order", "*"}, types},
			{[]string{"order"}, types[:1]},
			{[]string{"order.*"}, types[1:3]},
			{[]string{"order.paid.*"}, types[2:3]},
			{[]string{"order.paid", "order.*", "order"}, types[:3]},
			{[]string{"user_made"}, types[8:9]},
			{[]string{"user_made.*", "user%"}, types[10:11]},
			{[]string{"none.*"}, nil},
		} {
			sub, want := b.subscription(t, c.patterns...), []string{}
			for _, eventType := range c.want {
				want = append(want, made[eventType])
			}
			b.requireMissing(t, sub, since, until, want)
		}
	})

	run("what has a delivery, is not planned or is another tenant's is not missing", func(t *testing.T, b *bundle) {
		missed := b.event(t, "a")
		b.plan(t, missed.ID)
		sub := b.subscription(t, "*")
		d := b.plan(t, b.event(t, "a").ID)[0]
		b.close(t, d, models.DeliveryExhausted)
		b.event(t, "a")
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		other.plan(t, other.event(t, "a").ID)

		b.requireMissing(t, sub, since, until, []string{missed.ID})
		found, err := b.MissingEvents(t.Context(), sub.ID, since, until, "", 10)
		require.NoError(t, err)
		require.Equal(t, []*models.Event{{ID: missed.ID, Tenant: b.tenant, Type: "a"}}, found)

		_, err = b.AddDelivery(t.Context(), missed.ID, sub.ID, 0)
		require.NoError(t, err)
		b.requireMissing(t, sub, since, until, []string{})
	})

	run("since is inclusive and until exclusive", func(t *testing.T, b *bundle) {
		noon := time.Now().UTC().Truncate(time.Second)
		var made []string
		for i := range 5 {
			e := b.newEvent("a")
			e.CreatedAt = noon.Add(time.Duration(i) * time.Millisecond)
			made = append(made, b.publish(t, e).Event.ID)
			b.plan(t, e.ID)
		}
		sub := b.subscription(t, "a")
		b.requireMissing(t, sub, noon.Add(time.Millisecond), noon.Add(4*time.Millisecond), made[1:4])
		b.requireMissing(t, sub, noon.Add(5*time.Millisecond), until, []string{})
		b.requireMissing(t, sub, time.Unix(0, 0), noon.Local(), []string{})
	})

	run("an unknown subscription is not found", func(t *testing.T, b *bundle) {
		_, err := b.MissingEvents(t.Context(), "sub_none", since, until, "", 10)
		requireCode(t, models.CodeNotFound, err)
		_, err = b.CountMissing(t.Context(), "sub_none", since, until)
		requireCode(t, models.CodeNotFound, err)
	})
}

func (b *bundle) requireMissing(t *testing.T, sub *models.Subscription, since, until time.Time, want []string) {
	t.Helper()
	count, err := b.CountMissing(t.Context(), sub.ID, since, until)
	require.NoError(t, err)
	require.Equal(t, len(want), count)
	requireSwept(t, want, func(after string, limit int) ([]*models.Event, error) {
		return b.MissingEvents(t.Context(), sub.ID, since, until, after, limit)
	}, eventID)
}

func testAddDelivery(t *testing.T, open Open) {
	run := cases(t, open)

	run("a delivery that is added is as one that was planned", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		e := b.event(t, "a.b")
		b.plan(t, e.ID)
		sub := b.newSubscription("*")
		sub.Properties, sub.Payload = map[string]json.RawMessage{"a": raw("1")}, models.PayloadData
		require.NoError(t, b.CreateSubscription(t.Context(), sub))
		d, err := b.AddDelivery(t.Context(), e.ID, sub.ID, 0)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), d.NextAttemptAt, time.Minute)
		require.Equal(t, &models.Delivery{
			ID: d.ID, EventID: e.ID, SubscriptionID: sub.ID, Tenant: b.tenant, EventType: "a.b", Position: 1,
			Status: models.DeliveryPending, NextAttemptAt: d.NextAttemptAt, Payload: models.PayloadData,
			Properties: []byte(`{"a":1}`), CreatedAt: d.CreatedAt, UpdatedAt: d.CreatedAt, Epoch: 1,
		}, d)
		require.Equal(t, d, b.plan(t, e.ID)[1], "the plan counts it")
	})

	run("a paused subscription's is held, a disabled one gets none", func(t *testing.T, b *bundle) {
		e := b.event(t, "a")
		b.plan(t, e.ID)
		paused, disabled := b.subscription(t, "*"), b.subscription(t, "*")
		b.pause(t, paused.ID)
		b.disable(t, disabled, "gone")
		d, err := b.AddDelivery(t.Context(), e.ID, paused.ID, 0)
		require.NoError(t, err)
		require.Equal(t, models.DeliveryHeld, d.Status)
		_, err = b.AddDelivery(t.Context(), e.ID, disabled.ID, 0)
		requireCode(t, models.CodeConflict, err)
	})

	run("what cannot be is refused", func(t *testing.T, b *bundle) {
		e, sub := b.event(t, "a"), b.subscription(t, "*")
		_, err := b.AddDelivery(t.Context(), e.ID, sub.ID, 0)
		requireCode(t, models.CodeConflict, err)
		b.plan(t, e.ID)
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		for eventID, subscriptionID := range map[string]string{
			"evt_none": sub.ID, e.ID: other.subscription(t, "*").ID,
		} {
			_, err = b.AddDelivery(t.Context(), eventID, subscriptionID, 0)
			requireCode(t, models.CodeNotFound, err)
		}
		require.Len(t, b.plan(t, e.ID), 1)
	})

	run("a delivery is added once, also at once", func(t *testing.T, b *bundle) {
		for range rounds {
			e := b.event(t, "a")
			b.plan(t, e.ID)
			subs := []*models.Subscription{b.subscription(t, "b"), b.subscription(t, "b")}
			added, errs := make([]*models.Delivery, 8), make([]error, 8)
			atOnce(len(errs), func(i int) { added[i], errs[i] = b.AddDelivery(t.Context(), e.ID, subs[i%2].ID, 0) })
			require.NoError(t, errors.Join(errs...))
			for i, d := range added {
				require.Equal(t, added[i%2], d)
			}
			require.Len(t, b.plan(t, e.ID), 2)
		}
	})
}
