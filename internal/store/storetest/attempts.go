package storetest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testAttempts(t *testing.T, open Open) {
	run := cases(t, open)
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	again := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: later}
	delivered := models.DeliveryOutcome{Status: models.DeliveryDelivered, NextAttemptAt: later}
	exhausted := models.DeliveryOutcome{Status: models.DeliveryExhausted}
	cancelled := models.DeliveryOutcome{Status: models.DeliveryCancelled, Reason: "answered 410"}

	run("attempts come back as they were, by number", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		var want []*models.Attempt
		for number := 1; number <= 11; number++ {
			a := newAttempt(d, number)
			require.NoError(t, b.RecordAttempt(t.Context(), a, again))
			a.StartedAt = a.StartedAt.UTC().Truncate(time.Microsecond)
			want = append(want, a)
		}
		require.Equal(t, want, b.attempts(t, d))
		require.Empty(t, b.attempts(t, &models.Delivery{ID: "dlv_none"}))
	})

	run("an attempt without any answer comes back as it was", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		a := &models.Attempt{DeliveryID: d.ID, Number: 1, StartedAt: later}
		a.ErrorClass, a.Error = models.ErrorDNS, "no such host"
		require.NoError(t, b.RecordAttempt(t.Context(), a, again))
		require.Equal(t, []*models.Attempt{a}, b.attempts(t, d))
	})

	run("what servers say never keeps an attempt from being recorded", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		a := newAttempt(d, 1)
		a.Header, a.Body = http.Header{"X-Raw": {"\xff\x00"}}, []byte{0xff, 0}
		a.URL, a.Error = "https://a.example/\xff", "said \xff and \x00"
		require.NoError(t, b.RecordAttempt(t.Context(), a, cancelled))
		stored := b.attempts(t, d)[0]
		require.Equal(t, []byte{0xff, 0}, stored.Body)
		require.Equal(t, "said \uFFFD and \uFFFD", stored.Error)
		require.Equal(t, "said \uFFFD and \uFFFD", b.reload(t, d).LastError)
	})

	run("each outcome is left in the delivery", func(t *testing.T, b *bundle) {
		for _, c := range []struct {
			outcome models.DeliveryOutcome
			next    time.Time
		}{{again, later}, {delivered, time.Time{}}, {exhausted, time.Time{}}, {cancelled, time.Time{}}} {
			d := b.delivery(t)
			a := newAttempt(d, 1)
			if c.outcome.Status == models.DeliveryDelivered {
				a = succeeded(a)
			}
			require.NoError(t, b.RecordAttempt(t.Context(), a, c.outcome))
			stored := b.reload(t, d)
			require.True(t, stored.UpdatedAt.After(d.UpdatedAt))
			d.Status, d.Reason, d.NextAttemptAt = c.outcome.Status, c.outcome.Reason, c.next
			d.Attempts, d.LastError, d.UpdatedAt = 1, a.Error, stored.UpdatedAt
			d.LastClass, d.LastCode = a.ErrorClass, a.Status
			if !a.Succeeded() {
				d.FailingSince = a.StartedAt.UTC().Truncate(time.Microsecond)
			}
			require.Equal(t, d, stored)
		}
	})

	run("a closed delivery keeps its status but counts the attempt", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		_, err := b.ChangeDelivery(t.Context(), d.ID, abandon("by hand"))
		require.NoError(t, err)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), again))
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 2), exhausted))
		stored := b.reload(t, d)
		require.Equal(t, models.DeliveryCancelled, stored.Status)
		require.Equal(t, "by hand", stored.Reason)
		require.Equal(t, 2, stored.Attempts)
		require.Equal(t, "answered 503", stored.LastError)
		require.Zero(t, stored.NextAttemptAt)
	})

	run("a held delivery stays held while it is not closed", func(t *testing.T, b *bundle) {
		d := b.held(t)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), again))
		stored := b.reload(t, d)
		require.Equal(t, models.DeliveryHeld, stored.Status)
		require.Equal(t, later, stored.NextAttemptAt)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 2), cancelled))
		stored = b.reload(t, d)
		require.Equal(t, models.DeliveryCancelled, stored.Status)
		require.Equal(t, "answered 410", stored.Reason)
		require.Zero(t, stored.NextAttemptAt)
	})

	run("a closed delivery that is delivered after all is delivered", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), cancelled))
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 2)), delivered))
		stored := b.reload(t, d)
		require.Equal(t, models.DeliveryDelivered, stored.Status)
		require.Empty(t, stored.Reason)
		require.Empty(t, stored.LastError)
		require.Zero(t, stored.NextAttemptAt)
	})

	run("a number that is not the next is a conflict and writes nothing", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), again))
		before := b.reload(t, d)
		for _, number := range []int{-1, 0, 1, 3} {
			requireCode(t, models.CodeConflict, b.RecordAttempt(t.Context(), newAttempt(d, number), delivered))
		}
		require.Equal(t, before, b.reload(t, d))
		require.Len(t, b.attempts(t, d), 1)
	})

	run("a subscription that is disabled by an attempt may be gone already", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		outcome := models.DeliveryOutcome{Status: models.DeliveryCancelled, DisableSubscription: models.NewID("sub_")}
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), outcome))
		require.Equal(t, models.DeliveryCancelled, b.reload(t, d).Status)
	})

	run("an unknown delivery is not found", func(t *testing.T, b *bundle) {
		err := b.RecordAttempt(t.Context(), newAttempt(&models.Delivery{ID: "dlv_none"}, 1), again)
		requireCode(t, models.CodeNotFound, err)
	})

	run("recorders of one number at once record one attempt", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		for number := 1; number <= rounds; number++ {
			errs := make([]error, 16)
			atOnce(len(errs), func(i int) { errs[i] = b.RecordAttempt(t.Context(), newAttempt(d, number), again) })
			recorded := 0
			for _, err := range errs {
				if err == nil {
					recorded++
					continue
				}
				requireCode(t, models.CodeConflict, err)
			}
			require.Equal(t, 1, recorded)
			require.Equal(t, number, b.reload(t, d).Attempts)
			require.Len(t, b.attempts(t, d), number)
		}
	})
}

func (b *bundle) attempts(t *testing.T, d *models.Delivery) []*models.Attempt {
	t.Helper()
	attempts, err := b.Attempts(t.Context(), d.ID)
	require.NoError(t, err)
	return attempts
}
