package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// stopping are the ways to stop everything, given a subscription and an event.
func (b *bundle) stopping(sub *models.Subscription, event *models.Event) map[string]func(context.Context) (*models.Stop, error) {
	return map[string]func(context.Context) (*models.Stop, error){
		"tenant":       func(ctx context.Context) (*models.Stop, error) { return b.CancelTenant(ctx, b.tenant, annForATest) },
		"subscription": func(ctx context.Context) (*models.Stop, error) { return b.CancelWaiting(ctx, sub.ID, annForATest) },
		"event":        func(ctx context.Context) (*models.Stop, error) { return b.CancelEvent(ctx, event.ID, annForATest) },
	}
}

// requireStopped checks that an attempt of the delivery finds out that it must not be made, and that it is closed for that.
func (b *bundle) requireStopped(t *testing.T, d *models.Delivery) {
	t.Helper()
	work, err := b.Work(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, &annForATest, work.Stopped)
	require.Equal(t, models.DeliveryCancelled, b.change(t, d, models.Change{Act: models.ActStop}).Status)
	require.Equal(t, "a test (by ann)", b.reload(t, d).Reason)
}

func (b *bundle) requireGoes(t *testing.T, d *models.Delivery) {
	t.Helper()
	work, err := b.Work(t.Context(), d.ID)
	require.NoError(t, err)
	require.Nil(t, work.Stopped)
	require.Equal(t, models.DeliveryPending, b.change(t, d, models.Change{Act: models.ActStop}).Status)
}

func testStop(t *testing.T, open Open) {
	run := cases(t, open)

	for _, way := range []string{"tenant", "subscription", "event"} {
		run("of a "+way+": what is not planned is planned as cancelled, and what is published later goes", func(t *testing.T, b *bundle) {
			sub, event := b.subscription(t, "*"), b.event(t, "a")
			stop, err := b.stopping(sub, event)[way](t.Context())
			require.NoError(t, err)
			require.Equal(t, 0, stop.Deliveries)
			require.Equal(t, 1, stop.Events)

			d := b.plan(t, event.ID)[0]
			require.Equal(t, models.DeliveryCancelled, d.Status)
			require.Equal(t, "a test (by ann)", d.Reason)
			require.Zero(t, d.NextAttemptAt)
			targets, err := b.Targets(t.Context(), event.ID, 0, 10)
			require.NoError(t, err)
			require.Empty(t, targets)
			b.requireGoes(t, b.plan(t, b.event(t, "a").ID)[0])
		})

		run("of a "+way+": what is pending or held makes no attempt, and is what the job selects", func(t *testing.T, b *bundle) {
			sub, event := b.subscription(t, "*"), b.event(t, "a")
			d := b.plan(t, event.ID)[0]
			stop, err := b.stopping(sub, event)[way](t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, stop.Deliveries)
			require.Equal(t, 0, stop.Events)
			found, err := b.SelectDeliveries(t.Context(), stop.Job().Selection, "", 10)
			require.NoError(t, err)
			require.Equal(t, []string{d.ID}, ids(found, deliveryID))
			finished, err := b.FinishStop(t.Context(), stop.Job())
			require.NoError(t, err)
			require.False(t, finished)
			require.Contains(t, b.walking(t), stop.ID)

			b.requireStopped(t, d)
			finished, err = b.FinishStop(t.Context(), stop.Job())
			require.NoError(t, err)
			require.True(t, finished)
			require.NotContains(t, b.walking(t), stop.ID)
		})

		run("of a "+way+": a redelivery that came before is stopped, one that comes after goes", func(t *testing.T, b *bundle) {
			sub, event := b.subscription(t, "*"), b.event(t, "a")
			d := b.plan(t, event.ID)[0]
			before, err := b.Epoch(t.Context(), b.tenant)
			require.NoError(t, err)
			stop, err := b.stopping(sub, event)[way](t.Context())
			require.NoError(t, err)
			again := redeliver(time.Now(), 0)
			again.Epoch = before
			b.change(t, d, again)
			b.requireStopped(t, d)
			require.Equal(t, models.DeliveryCancelled, b.change(t, d, again).Status)

			again.Epoch, err = b.Epoch(t.Context(), b.tenant)
			require.NoError(t, err)
			b.change(t, d, again)
			b.requireGoes(t, d)
			passed, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActCancel, Why: annForATest, Before: stop.Epoch})
			require.NoError(t, err)
			require.Equal(t, models.DeliveryPending, passed.Status, "the job comes to it late")

			_, err = b.stopping(sub, event)[way](t.Context())
			require.NoError(t, err)
			b.requireStopped(t, d)
		})

		run("of a "+way+": it races with plans, and nothing that was accepted before goes", func(t *testing.T, b *bundle) {
			sub := b.subscription(t, "*")
			for i := range rounds {
				if i == rounds/2 {
					b.pause(t, sub.ID)
				}
				event := b.event(t, "a")
				errs := make([]error, 4)
				atOnce(len(errs), func(i int) {
					if i == 0 {
						_, errs[i] = b.stopping(sub, event)[way](t.Context())
					} else {
						_, errs[i] = b.PlanDeliveries(t.Context(), event.ID, nil)
					}
				})
				require.NoError(t, errors.Join(errs...))
				if d := b.plan(t, event.ID)[0]; d.Status != models.DeliveryCancelled {
					b.requireStopped(t, d)
				}
			}
		})
	}

	run("what is accepted while it runs is on either side, and what comes after it goes", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		for range rounds {
			before, during := b.event(t, "a"), b.newEvent("a")
			var stop *models.Stop
			errs := make([]error, 2)
			atOnce(2, func(i int) {
				if i == 0 {
					stop, errs[i] = b.CancelWaiting(t.Context(), sub.ID, annForATest)
				} else {
					_, errs[i] = b.CreateEvents(t.Context(), []*models.Event{during})
				}
			})
			require.NoError(t, errors.Join(errs...))
			after := models.NewEvent(*b.newEvent("a"), time.Now().Add(-time.Hour)) // by a host whose clock is behind
			b.publish(t, after)
			require.Equal(t, models.DeliveryCancelled, b.plan(t, before.ID)[0].Status)
			d := b.plan(t, during.ID)[0]
			require.Equal(t, d.Epoch < stop.Epoch, d.Status == models.DeliveryCancelled)
			b.requireGoes(t, b.plan(t, after.ID)[0])
		}
	})

	run("stops of one tenant that come at once are one after the other", func(t *testing.T, b *bundle) {
		stops, errs := make([]*models.Stop, 8), make([]error, 8)
		atOnce(len(stops), func(i int) { stops[i], errs[i] = b.CancelTenant(t.Context(), b.tenant, annForATest) })
		require.NoError(t, errors.Join(errs...))
		epochs := map[int64]bool{}
		for _, stop := range stops {
			epochs[stop.Epoch] = true
		}
		require.Len(t, epochs, len(stops))
	})

	run("it stops nothing of others", func(t *testing.T, b *bundle) {
		sub, other := b.subscription(t, "a"), b.subscription(t, "a")
		event, second := b.event(t, "a"), b.event(t, "a")
		_, err := b.CancelWaiting(t.Context(), sub.ID, annForATest)
		require.NoError(t, err)
		_, err = b.CancelEvent(t.Context(), second.ID, annForATest)
		require.NoError(t, err)
		for _, d := range b.plan(t, event.ID) {
			require.Equal(t, d.SubscriptionID == sub.ID, d.Status == models.DeliveryCancelled)
			if d.SubscriptionID == other.ID {
				b.requireGoes(t, d)
			}
		}
	})

	run("a recovery is of the epoch in which it was asked for", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		r := b.recovery(t, d.SubscriptionID)
		why, err := b.Stopped(t.Context(), b.tenant, r.Epoch, d.SubscriptionID)
		require.NoError(t, err)
		require.Nil(t, why)
		_, err = b.CancelWaiting(t.Context(), d.SubscriptionID, annForATest)
		require.NoError(t, err)
		why, err = b.Stopped(t.Context(), b.tenant, r.Epoch, d.SubscriptionID)
		require.NoError(t, err)
		require.Equal(t, &annForATest, why)
		stored, err := b.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Epoch, stored.Epoch)
	})

	run("disabling stops what waits for good, deleting too", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		_, err := b.UpdateSubscription(t.Context(), d.SubscriptionID, setStatus(models.SubscriptionDisabled))
		require.NoError(t, err)
		_, err = b.UpdateSubscription(t.Context(), d.SubscriptionID, setStatus(models.SubscriptionActive))
		require.NoError(t, err)
		require.Equal(t, models.DeliveryCancelled, b.change(t, d, models.Change{Act: models.ActStop}).Status)

		held := b.held(t)
		require.NoError(t, b.DeleteSubscription(t.Context(), held.SubscriptionID))
		require.False(t, b.release(t, held, time.Now()))
		stop, err := b.LastStop(t.Context(), b.tenant, held.SubscriptionID)
		require.NoError(t, err)
		require.Equal(t, held.SubscriptionID, stop.SubscriptionID)
	})

	run("what is held and stopped is not released", func(t *testing.T, b *bundle) {
		d := b.held(t)
		_, err := b.CancelTenant(t.Context(), b.tenant, annForATest)
		require.NoError(t, err)
		b.resume(t, d.SubscriptionID, 0)
		require.False(t, b.release(t, d, time.Now()))
		b.requireStopped(t, d)
	})

	run("unknown ids are not found", func(t *testing.T, b *bundle) {
		_, err := b.CancelEvent(t.Context(), "evt_none", annForATest)
		requireCode(t, models.CodeNotFound, err)
		_, err = b.CancelWaiting(t.Context(), "sub_none", annForATest)
		requireCode(t, models.CodeNotFound, err)
		_, err = b.LastStop(t.Context(), b.tenant, "sub_none")
		requireCode(t, models.CodeNotFound, err)
	})
}

// walking returns the ids of all stops whose job is to be done.
func (b *bundle) walking(t *testing.T) []string {
	t.Helper()
	stops, err := b.WalkingStops(t.Context(), "", 1000)
	require.NoError(t, err)
	return ids(stops, func(s *models.Stop) string { return s.ID })
}
