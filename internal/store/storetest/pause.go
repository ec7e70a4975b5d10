package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testPause(t *testing.T, open Open) {
	run := cases(t, open)

	run("pausing holds what is pending, and nothing of others", func(t *testing.T, b *bundle) {
		sub, other := b.subscription(t, "*"), b.subscription(t, "*")
		first, second := b.plan(t, b.event(t, "a").ID), b.plan(t, b.event(t, "a").ID)
		b.close(t, second[0], models.DeliveryExhausted)
		b.pause(t, sub.ID)
		stored := b.reload(t, first[0])
		require.Equal(t, models.DeliveryHeld, stored.Status)
		require.Equal(t, first[0].NextAttemptAt, stored.NextAttemptAt)
		require.True(t, stored.UpdatedAt.After(first[0].UpdatedAt))
		require.Equal(t, models.DeliveryExhausted, b.reload(t, second[0]).Status)
		require.Equal(t, first[1], b.reload(t, first[1]))
		require.Equal(t, other, b.loadSubscription(t, other.ID))
	})

	run("a change that is refused holds nothing", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		_, err := b.UpdateSubscription(t.Context(), d.SubscriptionID, func(s *models.Subscription) error {
			s.Status, s.URL = models.SubscriptionPaused, "ftp://x"
			return nil
		})
		requireCode(t, models.CodeInvalid, err)
		require.Equal(t, d, b.reload(t, d))
	})

	run("a subscription has a resume rate from the end of a pause until it is finished", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		require.Zero(t, b.resume(t, sub.ID, 7).ResumeRate, "it was not paused")
		require.Zero(t, b.pause(t, sub.ID).ResumeRate)
		b.requireFinished(t, sub.ID, true)
		require.Equal(t, models.DefaultRate, b.resume(t, sub.ID, 0).ResumeRate)
		require.Zero(t, b.pause(t, sub.ID).ResumeRate)
		require.Equal(t, 7, b.resume(t, sub.ID, 7).ResumeRate)
		require.Equal(t, 9, b.resume(t, sub.ID, 9).ResumeRate, "it is resuming still")
		require.Equal(t, 9, b.resume(t, sub.ID, 0).ResumeRate)
		require.Equal(t, 9, b.loadSubscription(t, sub.ID).ResumeRate)
		b.requireFinished(t, sub.ID, true)
		require.Zero(t, b.loadSubscription(t, sub.ID).ResumeRate)
		b.requireFinished(t, "sub_none", true)
	})

	run("disabling lets go what a pause held", func(t *testing.T, b *bundle) {
		byHand, by410, resuming := b.subscription(t, "*"), b.subscription(t, "*"), b.subscription(t, "*")
		b.pause(t, byHand.ID)
		disabled, err := b.UpdateSubscription(t.Context(), byHand.ID, setStatus(models.SubscriptionDisabled))
		require.NoError(t, err)
		require.Equal(t, models.DefaultRate, disabled.ResumeRate)

		b.pause(t, by410.ID)
		b.disable(t, by410, "gone")
		require.Equal(t, models.DefaultRate, b.loadSubscription(t, by410.ID).ResumeRate)

		b.pause(t, resuming.ID)
		b.resume(t, resuming.ID, 7)
		b.disable(t, resuming, "gone")
		require.Equal(t, 7, b.loadSubscription(t, resuming.ID).ResumeRate)
	})

	run("a subscription that was disabled keeps no reason when it is paused", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		b.disable(t, sub, "gone")
		require.Empty(t, b.pause(t, sub.ID).DisabledReason)
	})

	run("resuming is finished when nothing is held any more", func(t *testing.T, b *bundle) {
		d := b.held(t)
		b.requireFinished(t, d.SubscriptionID, false)
		require.Equal(t, models.DefaultRate, b.loadSubscription(t, d.SubscriptionID).ResumeRate)
		require.True(t, b.release(t, d, time.Now()))
		b.requireFinished(t, d.SubscriptionID, true)
		require.Zero(t, b.loadSubscription(t, d.SubscriptionID).ResumeRate)
	})

	run("resuming is finished when it is paused again, or gone with all that was held", func(t *testing.T, b *bundle) {
		d := b.held(t)
		b.pause(t, d.SubscriptionID)
		b.requireFinished(t, d.SubscriptionID, true)
		require.NoError(t, b.DeleteSubscription(t.Context(), d.SubscriptionID))
		b.requireFinished(t, d.SubscriptionID, false)
		b.close(t, d, models.DeliveryCancelled)
		b.requireFinished(t, d.SubscriptionID, true)
	})
}

func (b *bundle) requireFinished(t *testing.T, id string, want bool) {
	t.Helper()
	finished, err := b.FinishResume(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, finished)
}

// testResuming has a database of its own, because the list sees all tenants.
func testResuming(t *testing.T, open Open) {
	b := &bundle{Store: migrated(t, open), tenant: "one"}
	var want []*models.Subscription
	for rate := range 5 {
		sub := b.subscription(t, "*")
		b.pause(t, sub.ID)
		if rate > 0 {
			b.resume(t, sub.ID, rate)
			want = append(want, &models.Subscription{
				ID: sub.ID, Tenant: "one", Status: models.SubscriptionActive, ResumeRate: rate,
			})
		}
	}
	for _, c := range []struct {
		after string
		limit int
		want  []*models.Subscription
	}{{"", 10, want}, {"", 2, want[:2]}, {want[0].ID, 2, want[1:3]}, {want[3].ID, 2, want[:0]}, {"", 0, want[:0]}} {
		found, err := b.ResumingSubscriptions(t.Context(), c.after, c.limit)
		require.NoError(t, err)
		require.Equal(t, c.want, found)
	}
}

func (b *bundle) pause(t *testing.T, id string) *models.Subscription {
	t.Helper()
	paused, err := b.UpdateSubscription(t.Context(), id, setStatus(models.SubscriptionPaused))
	require.NoError(t, err)
	return paused
}

func (b *bundle) resume(t *testing.T, id string, rate int) *models.Subscription {
	t.Helper()
	resumed, err := b.UpdateSubscription(t.Context(), id, func(s *models.Subscription) error {
		s.ResumeRate = rate
		return setStatus(models.SubscriptionActive)(s)
	})
	require.NoError(t, err)
	return resumed
}

func setStatus(status models.SubscriptionStatus) func(*models.Subscription) error {
	return func(s *models.Subscription) error {
		s.Status = status
		return nil
	}
}

// bringForward makes the delivery's next attempt due, whatever its attempts delivered.
func (b *bundle) bringForward(t *testing.T, d *models.Delivery, at time.Time) {
	t.Helper()
	b.change(t, d, models.Change{Act: models.ActRedeliver, At: at, After: b.reload(t, d).Attempts})
}
