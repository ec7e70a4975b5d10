package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testDeliveries(t *testing.T, open Open) {
	run := cases(t, open)

	run("what failed in the same way is found by the class and the answer of the last attempt", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		fail := func(class models.ErrorClass, code int) string {
			d := b.plan(t, b.event(t, "a").ID)[0]
			a := newAttempt(d, 1)
			a.ErrorClass, a.Status = class, code
			require.NoError(t, b.RecordAttempt(t.Context(), a, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}))
			return d.ID
		}
		busy, gone, slow := fail(models.ErrorStatus, 503), fail(models.ErrorStatus, 404), fail(models.ErrorTimeout, 0)
		find := func(class models.ErrorClass, code int) (ids []string) {
			found, err := b.Deliveries(t.Context(), models.DeliveryFilter{SubscriptionID: sub.ID, Class: class, Code: code})
			require.NoError(t, err)
			for _, d := range found {
				ids = append(ids, d.ID)
			}
			return ids
		}
		require.Equal(t, []string{gone, busy}, find(models.ErrorStatus, 0))
		require.Equal(t, []string{busy}, find(models.ErrorStatus, 503))
		require.Equal(t, []string{slow}, find(models.ErrorTimeout, 0))

		d, err := b.Delivery(t.Context(), busy)
		require.NoError(t, err)
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 2)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		require.Equal(t, []string{gone}, find(models.ErrorStatus, 0))
	})

	run("an unknown id is not found", func(t *testing.T, b *bundle) {
		_, err := b.Delivery(t.Context(), "dlv_none")
		requireCode(t, models.CodeNotFound, err)
	})

	run("a list is paged newest first by each filter", func(t *testing.T, b *bundle) {
		one, two := b.subscription(t, "*"), b.subscription(t, "*")
		var all, ofOne, ofEvent []string
		byStatus := map[models.DeliveryStatus][]string{}
		statuses := []models.DeliveryStatus{
			models.DeliveryPending, models.DeliveryDelivered, models.DeliveryExhausted, models.DeliveryCancelled,
		}
		for i := range 7 {
			e := b.event(t, "a")
			for _, d := range b.plan(t, e.ID) {
				status := statuses[i%len(statuses)]
				b.close(t, d, status)
				all = append(all, d.ID)
				byStatus[status] = append(byStatus[status], d.ID)
				if d.SubscriptionID == one.ID {
					ofOne = append(ofOne, d.ID)
				}
				if i == 0 {
					ofEvent = append(ofEvent, d.ID)
				}
			}
		}
		firstEvent := b.reload(t, &models.Delivery{ID: ofEvent[0]}).EventID
		b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant}, all)
		b.requireDeliveries(t, models.DeliveryFilter{SubscriptionID: one.ID}, ofOne)
		b.requireDeliveries(t, models.DeliveryFilter{EventID: firstEvent}, ofEvent)
		b.requireDeliveries(t, models.DeliveryFilter{EventID: firstEvent, SubscriptionID: two.ID}, ofEvent[1:])
		b.requireDeliveries(t, models.DeliveryFilter{Tenant: "other", SubscriptionID: one.ID}, nil)
		for status, want := range byStatus {
			b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant, Status: status}, want)
		}
	})

	run("since is inclusive to the millisecond", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		for since, want := range map[time.Time][]string{
			{}:                                  {d.ID},
			time.Unix(-5, 0):                    {d.ID},
			d.CreatedAt:                         {d.ID},
			d.CreatedAt.Add(-time.Hour).Local(): {d.ID},
			d.CreatedAt.Add(time.Nanosecond):    nil,
			d.CreatedAt.Add(time.Millisecond):   nil,
			d.CreatedAt.AddDate(20_000, 0, 0):   nil,
		} {
			b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant, Since: since}, want)
		}
	})

	run("until is exclusive to the millisecond", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		for until, want := range map[time.Time][]string{
			{}:                                {d.ID},
			d.CreatedAt:                       nil,
			d.CreatedAt.Add(time.Millisecond): {d.ID},
			d.CreatedAt.Add(time.Hour):        {d.ID},
		} {
			b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant, Until: until}, want)
		}
	})

	run("of one type of event", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		paid := b.plan(t, b.event(t, "order.paid").ID)[0]
		b.plan(t, b.event(t, "order.sent").ID)
		b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant, EventType: "order.paid"}, []string{paid.ID})
		b.requireDeliveries(t, models.DeliveryFilter{Tenant: b.tenant, EventType: "order"}, nil)
	})

	run("targets are the open deliveries of a range of positions", func(t *testing.T, b *bundle) {
		for range 5 {
			b.subscription(t, "*")
		}
		planned := b.plan(t, b.event(t, "a").ID)
		want := make([]models.Target, len(planned))
		for i, d := range planned {
			want[i] = models.Target{DeliveryID: d.ID, SubscriptionID: d.SubscriptionID, Host: "shop.example:8443"}
		}
		require.Equal(t, want, b.targets(t, planned[0].EventID, 0, 5))
		require.Equal(t, want[1:3], b.targets(t, planned[0].EventID, 1, 3))
		require.Empty(t, b.targets(t, planned[0].EventID, 5, 10))
		require.Empty(t, b.targets(t, "evt_none", 0, 10))

		b.close(t, planned[0], models.DeliveryCancelled)
		require.NoError(t, b.DeleteSubscription(t.Context(), planned[1].SubscriptionID))
		want[1].Host = ""
		b.pause(t, planned[2].SubscriptionID)
		require.Equal(t, want[1:], b.targets(t, planned[0].EventID, 0, 5))
	})
}

func testAbandon(t *testing.T, open Open) {
	run := cases(t, open)

	run("a pending delivery takes status and reason and is due no more", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		stored := b.change(t, d, abandon("the event was deleted"))
		require.Equal(t, models.DeliveryCancelled, stored.Status)
		require.Equal(t, "the event was deleted", stored.Reason)
		require.Zero(t, stored.NextAttemptAt)
		require.True(t, stored.UpdatedAt.After(d.UpdatedAt))
		b.requireAudit(t, d.ID)
	})

	run("a closed delivery stays as it is", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.close(t, d, models.DeliveryDelivered)
		before := b.reload(t, d)
		require.Equal(t, before, b.change(t, d, abandon("the event was deleted")))
	})

	run("a held delivery closes too", func(t *testing.T, b *bundle) {
		d := b.held(t)
		b.close(t, d, models.DeliveryCancelled)
		require.Equal(t, models.DeliveryCancelled, b.reload(t, d).Status)
		require.Zero(t, b.reload(t, d).NextAttemptAt)
	})

	run("an unknown id is not found", func(t *testing.T, b *bundle) {
		for _, act := range models.Acts() {
			_, err := b.ChangeDelivery(t.Context(), "dlv_none", models.Change{Act: act})
			requireCode(t, models.CodeNotFound, err)
		}
	})
}

// change makes a change of the delivery, and returns the delivery afterwards.
func (b *bundle) change(t *testing.T, d *models.Delivery, change models.Change) *models.Delivery {
	t.Helper()
	after, err := b.ChangeDelivery(t.Context(), d.ID, change)
	require.NoError(t, err)
	require.Equal(t, after, b.reload(t, d))
	return after
}

func abandon(reason string) models.Change {
	return models.Change{Act: models.ActAbandon, Why: models.Why{Reason: reason}}
}

func redeliver(at time.Time, after int) models.Change {
	return models.Change{Act: models.ActRedeliver, At: at, Why: annForATest, After: after}
}

func testOutstanding(t *testing.T, open Open) {
	run := cases(t, open)

	run("deliveries are outstanding until their first attempt, unless they are held or closed", func(t *testing.T, b *bundle) {
		require.Zero(t, b.outstanding(t))
		sub := b.subscription(t, "*")
		b.subscription(t, "*")
		wide := b.plan(t, b.event(t, "a").ID)
		next := b.plan(t, b.event(t, "a").ID)
		require.Equal(t, models.Outstanding{Deliveries: 4, Events: 2}, b.outstanding(t))

		later := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour)}
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(wide[0], 1), later))
		require.Equal(t, models.Outstanding{Deliveries: 3, Events: 2}, b.outstanding(t))
		b.close(t, wide[1], models.DeliveryCancelled)
		require.Equal(t, models.Outstanding{Deliveries: 2, Events: 1}, b.outstanding(t))
		b.pause(t, sub.ID)
		require.Equal(t, models.Outstanding{Deliveries: 1, Events: 1}, b.outstanding(t))
		b.close(t, next[1], models.DeliveryCancelled)
		require.Zero(t, b.outstanding(t))
	})

	run("a subscription counts for its share", func(t *testing.T, b *bundle) {
		b.subscription(t, "slow")
		for range 25 {
			b.plan(t, b.event(t, "slow").ID)
		}
		require.Equal(t, models.Outstanding{Deliveries: 20, Events: 20}, b.outstandingOf(t, 20), "it is the only one")
		b.subscription(t, "*")
		require.Equal(t, models.Outstanding{Deliveries: 10, Events: 10}, b.outstandingOf(t, 20))
		for range 10 {
			b.subscription(t, "*")
		}
		require.Equal(t, models.Outstanding{Deliveries: 2, Events: 2}, b.outstandingOf(t, 20))
	})

	run("an event counts for all of its subscriptions, however many", func(t *testing.T, b *bundle) {
		for range 30 {
			b.subscription(t, "*")
		}
		b.plan(t, b.event(t, "a").ID)
		require.Equal(t, models.Outstanding{Deliveries: 30, Events: 1}, b.outstandingOf(t, 5))
	})

	run("each tenant asked for has its own", func(t *testing.T, b *bundle) {
		other := &bundle{Store: b.Store, tenant: b.tenant + "x"}
		b.delivery(t)
		other.delivery(t)
		other.delivery(t)
		counts, err := b.Outstanding(t.Context(), []string{b.tenant, other.tenant, "none"}, 1000)
		require.NoError(t, err)
		require.Equal(t, map[string]models.Outstanding{
			b.tenant: {Deliveries: 1, Events: 1}, other.tenant: {Deliveries: 2, Events: 2},
		}, counts)
		counts, err = b.Outstanding(t.Context(), nil, 1000)
		require.NoError(t, err)
		require.Empty(t, counts)
	})
}

func (b *bundle) outstanding(t *testing.T) models.Outstanding {
	t.Helper()
	return b.outstandingOf(t, 1000)
}

func (b *bundle) outstandingOf(t *testing.T, room int) models.Outstanding {
	t.Helper()
	counts, err := b.Outstanding(t.Context(), []string{b.tenant}, room)
	require.NoError(t, err)
	return counts[b.tenant]
}

// close brings a pending delivery into the status.
func (b *bundle) close(t *testing.T, d *models.Delivery, status models.DeliveryStatus) {
	t.Helper()
	if status == models.DeliveryPending {
		return
	}
	_, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.DeliveryOutcome{Status: status}.Act()})
	require.NoError(t, err)
}

func (b *bundle) requireDeliveries(t *testing.T, f models.DeliveryFilter, want []string) {
	t.Helper()
	requirePaged(t, want, func(p models.Page) ([]*models.Delivery, error) {
		f.Page = p
		return b.Deliveries(t.Context(), f)
	}, deliveryID)
}

func (b *bundle) targets(t *testing.T, eventID string, from, to int) []models.Target {
	t.Helper()
	targets, err := b.Targets(t.Context(), eventID, from, to)
	require.NoError(t, err)
	return targets
}
