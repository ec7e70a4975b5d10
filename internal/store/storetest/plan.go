package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testPlan(t *testing.T, open Open) {
	run := cases(t, open)

	run("patterns match all, by prefix and exactly, by their case, once a subscription", func(t *testing.T, b *bundle) {
		for _, patterns := range [][]string{
			{"*"},
			{"order.*"},
			{"order.paid.*"},
			{"order.paid"},
			{"Order.Paid"},
			{"order"},
			{"user.*"},
			{"*", "order.*", "order.paid"},
		} {
			b.subscription(t, patterns...)
		}
		for eventType, want := range map[string]int{
			"order.paid": 4, "order": 3, "order.paid.late": 4, "Order.Paid": 3, "orders.paid": 2, "user.made": 3,
		} {
			require.Len(t, b.plan(t, b.event(t, eventType).ID), want, eventType)
		}
	})

	run("tenants never mix", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		other := &bundle{Store: b.Store, tenant: b.tenant + "x"}
		other.subscription(t, "*")
		planned := b.plan(t, b.event(t, "a").ID)
		require.Len(t, planned, 1)
		require.Equal(t, sub.ID, planned[0].SubscriptionID)
	})

	run("a new delivery is pending, due now, and fixes what makes its body", func(t *testing.T, b *bundle) {
		sub := b.newSubscription("*")
		sub.Properties = map[string]json.RawMessage{"b": raw(`"<&>"`), "a": raw(`{"z":1,"y":2}`)}
		require.NoError(t, b.CreateSubscription(t.Context(), sub))
		e := b.event(t, "a.b")
		before := time.Now()
		d := b.plan(t, e.ID)[0]
		after := time.Now()
		require.WithinRange(t, d.NextAttemptAt, before.Add(-time.Millisecond), after)
		require.WithinRange(t, d.CreatedAt, before.Add(-time.Millisecond), after)
		require.Equal(t, time.UTC, d.NextAttemptAt.Location())
		require.True(t, models.ValidID(models.DeliveryPrefix, d.ID))
		require.Equal(t, &models.Delivery{
			ID: d.ID, EventID: e.ID, SubscriptionID: sub.ID, Tenant: b.tenant, EventType: "a.b",
			Status: models.DeliveryPending, NextAttemptAt: d.NextAttemptAt, Payload: models.PayloadEnvelope,
			Properties: []byte(`{"a":{"z":1,"y":2},"b":"<&>"}`), CreatedAt: d.CreatedAt, UpdatedAt: d.CreatedAt, Epoch: 1,
		}, d)

		_, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			s.Properties, s.Payload = nil, models.PayloadData
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, d, b.reload(t, d), "a delivery does not follow its subscription")
	})

	run("a paused subscription gets a held delivery, a disabled one none", func(t *testing.T, b *bundle) {
		active, paused, disabled := b.subscription(t, "*"), b.subscription(t, "*"), b.subscription(t, "*")
		b.pause(t, paused.ID)
		b.disable(t, disabled, "gone")
		planned := b.plan(t, b.event(t, "a").ID)
		require.Len(t, planned, 2)
		for i, want := range []*models.Subscription{active, paused} {
			require.Equal(t, want.ID, planned[i].SubscriptionID)
			require.WithinDuration(t, planned[i].CreatedAt, planned[i].NextAttemptAt, time.Minute)
		}
		require.Equal(t, models.DeliveryPending, planned[0].Status)
		require.Equal(t, models.DeliveryHeld, planned[1].Status)
	})

	run("an event that nobody wants is planned with none", func(t *testing.T, b *bundle) {
		require.Empty(t, b.plan(t, b.event(t, "a").ID))
	})

	run("an unknown event is not found", func(t *testing.T, b *bundle) {
		_, err := b.PlanDeliveries(t.Context(), "evt_none", nil)
		requireCode(t, models.CodeNotFound, err)
	})

	run("planning twice makes one set, whoever subscribed meanwhile", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		e := b.event(t, "a")
		first := b.plan(t, e.ID)
		b.subscription(t, "*")
		require.Equal(t, first, b.plan(t, e.ID))
	})

	run("planners at once make one set", func(t *testing.T, b *bundle) {
		for range 20 {
			b.subscription(t, "a", "*")
		}
		for range rounds {
			e := b.event(t, "a")
			plans, errs := make([]models.Plan, 8), make([]error, 8)
			atOnce(len(plans), func(i int) { plans[i], errs[i] = b.PlanDeliveries(t.Context(), e.ID, nil) })
			made := 0
			for i, plan := range plans {
				require.NoError(t, errs[i])
				made += len(plan.Planned)
				require.Equal(t, models.Plan{Deliveries: 20, Targets: b.targets(t, e.ID, 0, 20), Planned: plan.Planned}, plan)
			}
			require.Equal(t, 1, made, "one of them has planned it")
			require.Len(t, b.plan(t, e.ID), 20)
		}
	})

	run("2,500 subscribers each get one delivery", func(t *testing.T, b *bundle) {
		wanted := map[string]bool{}
		patterns := [][]string{{"*"}, {"order.*", "*"}, {"order.paid"}, {"order.*", "order.paid"}}
		for i := range 2500 {
			wanted[b.subscription(t, patterns[i%len(patterns)]...).ID] = true
			if i%50 == 0 {
				b.subscription(t, "order.late")
			}
		}
		planned := b.plan(t, b.event(t, "order.paid").ID)
		require.Len(t, planned, 2500)
		for _, d := range planned {
			require.True(t, wanted[d.SubscriptionID])
			delete(wanted, d.SubscriptionID)
		}
		require.Empty(t, wanted)
	})

	run("a claim is for pending deliveries, until their first attempt", func(t *testing.T, b *bundle) {
		mine, other, paused := b.subscription(t, "*"), b.subscription(t, "*"), b.subscription(t, "*")
		b.pause(t, paused.ID)
		event := b.event(t, "a")
		_, err := b.PlanDeliveries(t.Context(), event.ID, func(id string, _ int) bool { return id != other.ID })
		require.NoError(t, err)
		claims := map[string]bool{}
		for _, target := range b.targets(t, event.ID, 0, 3) {
			claims[target.SubscriptionID] = target.Claimed
		}
		require.Equal(t, map[string]bool{mine.ID: true, other.ID: false, paused.ID: false}, claims)

		d := b.plan(t, event.ID)[0]
		require.WithinDuration(t, time.Now().Add(models.ClaimTime), d.ClaimedUntil, time.Minute)
		b.change(t, d, redeliver(time.Now().Add(-time.Second), 0))
		require.Equal(t, d.NextAttemptAt, b.reload(t, d).NextAttemptAt, "an attempt is being made")
		b.requireAudit(t, d.ID, models.AuditRedeliverDelivery)
		dayBefore := time.Now().Add(-24 * time.Hour).Truncate(time.Millisecond)
		b.change(t, d, redeliver(dayBefore, 0))
		require.WithinDuration(t, dayBefore, b.reload(t, d).NextAttemptAt, 0, "the clock was a day ahead when it was claimed")

		later := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour)}
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), later))
		require.Zero(t, b.reload(t, d).ClaimedUntil)
		require.False(t, b.targets(t, event.ID, 0, 1)[0].Claimed)
	})
}
