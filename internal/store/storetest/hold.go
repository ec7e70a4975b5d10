package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testHold(t *testing.T, open Open) {
	run := cases(t, open)

	run("a pending delivery is held while its subscription is paused, and keeps its time", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		require.False(t, b.hold(t, d))
		require.Equal(t, d, b.reload(t, d))

		b.pause(t, d.SubscriptionID)
		b.reopen(t, d)
		for range 2 {
			require.True(t, b.hold(t, d))
			stored := b.reload(t, d)
			require.Equal(t, models.DeliveryHeld, stored.Status)
			require.Equal(t, d.NextAttemptAt, stored.NextAttemptAt)
		}
	})

	run("a held delivery is let go unless its subscription is paused", func(t *testing.T, b *bundle) {
		d := b.held(t)
		at := d.NextAttemptAt.Add(time.Hour)
		b.pause(t, d.SubscriptionID)
		require.False(t, b.release(t, d, at))
		require.Equal(t, models.DeliveryHeld, b.reload(t, d).Status)

		b.resume(t, d.SubscriptionID, 0)
		require.True(t, b.release(t, d, at))
		stored := b.reload(t, d)
		require.Equal(t, models.DeliveryPending, stored.Status)
		require.Equal(t, at, stored.NextAttemptAt)
		require.Zero(t, stored.Forwarded, "it was due already")

		require.True(t, b.release(t, d, at.Add(-time.Hour)), "it is pending")
		require.Equal(t, stored, b.reload(t, d))
	})

	run("a held delivery that is let go before its time is forwarded", func(t *testing.T, b *bundle) {
		d := b.held(t)
		require.True(t, b.release(t, d, d.NextAttemptAt.Add(-time.Second)))
		require.Equal(t, 1, b.reload(t, d).Forwarded)
	})

	run("a held delivery whose subscription is disabled is not let go: its attempt cancels it", func(t *testing.T, b *bundle) {
		d := b.held(t)
		b.disable(t, b.loadSubscription(t, d.SubscriptionID), "gone")
		require.False(t, b.release(t, d, time.Now()))
	})

	run("a closed delivery is neither held nor let go", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.close(t, d, models.DeliveryExhausted)
		before := b.reload(t, d)
		require.False(t, b.release(t, d, time.Now()))
		b.pause(t, d.SubscriptionID)
		require.False(t, b.hold(t, d))
		require.False(t, b.release(t, d, time.Now()))
		require.Equal(t, before, b.reload(t, d))
	})

	testHoldAtOnce(run)
}

// What is held while nothing is paused any more must have been there for the resume to find.
func testHoldAtOnce(run func(string, func(*testing.T, *bundle))) {
	run("a resume finds all that is held at the same time", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		var all []*models.Delivery
		for range 24 {
			all = append(all, b.plan(t, b.event(t, "a").ID)...)
		}
		for range rounds {
			b.pause(t, sub.ID)
			for _, d := range all {
				b.reopen(t, d)
			}
			held := make([]bool, len(all))
			found := b.resumeAmid(t, sub, len(all), func(i int) error {
				after, err := b.ChangeDelivery(t.Context(), all[i].ID, models.Change{Act: models.ActHold})
				held[i] = err == nil && after.Status == models.DeliveryHeld
				return err
			})
			for i, d := range all {
				require.Equal(t, held[i], b.reload(t, d).Status == models.DeliveryHeld)
				require.Equal(t, held[i], found[d.ID])
			}
		}
	})

	run("a resume finds all that is planned as held at the same time", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		for range rounds {
			b.pause(t, sub.ID)
			events := make([]*models.Event, 24)
			for i := range events {
				events[i] = b.event(t, "a")
			}
			found := b.resumeAmid(t, sub, len(events), func(i int) error {
				_, err := b.PlanDeliveries(t.Context(), events[i].ID, nil)
				return err
			})
			held, err := b.heldOf(t.Context(), sub)
			require.NoError(t, err)
			require.Equal(t, held, found)
			for id := range held {
				require.True(t, b.release(t, &models.Delivery{ID: id}, time.Now()))
			}
		}
	})
}

// resumeAmid resumes the subscription in the middle of n calls of do, and returns what it found to be held right after.
func (b *bundle) resumeAmid(t *testing.T, sub *models.Subscription, n int, do func(i int) error) (found map[string]bool) {
	t.Helper()
	errs := make([]error, n+1)
	atOnce(len(errs), func(i int) {
		if i < n {
			errs[i] = do(i)
			return
		}
		if _, errs[i] = b.UpdateSubscription(t.Context(), sub.ID, setStatus(models.SubscriptionActive)); errs[i] == nil {
			found, errs[i] = b.heldOf(t.Context(), sub)
		}
	})
	require.NoError(t, errors.Join(errs...))
	return found
}

// heldOf reports instead of failing: it runs in goroutines.
func (b *bundle) heldOf(ctx context.Context, sub *models.Subscription) (map[string]bool, error) {
	found, err := b.SelectDeliveries(ctx, models.Selection{
		SubscriptionID: sub.ID, Statuses: []models.DeliveryStatus{models.DeliveryHeld},
	}, "", 1000)
	held := map[string]bool{}
	for _, d := range found {
		held[d.ID] = true
	}
	return held, err
}

func (b *bundle) hold(t *testing.T, d *models.Delivery) bool {
	t.Helper()
	return b.change(t, d, models.Change{Act: models.ActHold}).Status == models.DeliveryHeld
}

func (b *bundle) release(t *testing.T, d *models.Delivery, at time.Time) bool {
	t.Helper()
	return b.change(t, d, models.Change{Act: models.ActRelease, At: at}).Status == models.DeliveryPending
}

// held makes one held delivery to a new subscription that is active again.
func (b *bundle) held(t *testing.T) *models.Delivery {
	t.Helper()
	d := b.delivery(t)
	b.pause(t, d.SubscriptionID)
	b.resume(t, d.SubscriptionID, 0)
	d = b.reload(t, d)
	require.Equal(t, models.DeliveryHeld, d.Status)
	return d
}

// reopen makes a delivery pending whatever it was, also while its subscription is paused.
func (b *bundle) reopen(t *testing.T, d *models.Delivery) {
	t.Helper()
	b.close(t, d, models.DeliveryCancelled)
	b.bringForward(t, d, d.NextAttemptAt)
	require.Equal(t, models.DeliveryPending, b.reload(t, d).Status)
}
