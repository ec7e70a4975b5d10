package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// stats reads the tenant's figures in points of a minute.
func (b *bundle) stats(t *testing.T, f models.StatsFilter) []*models.StatsPoint {
	t.Helper()
	f.Tenant, f.Limit = b.tenant, 10_000
	if f.Step == 0 {
		f.Step = time.Minute
	}
	if f.Until.IsZero() {
		f.Since, f.Until = time.Unix(0, 0), time.Now().Add(24*time.Hour)
	}
	require.NoError(t, b.AddUpMarks(t.Context()))
	points, err := b.Stats(t.Context(), f)
	require.NoError(t, err)
	return points
}

// sum adds up points.
func sum(points []*models.StatsPoint) (all models.AttemptCounts) {
	for _, p := range points {
		all.Attempts += p.Attempts
		all.Succeeded += p.Succeeded
		all.Exhausted += p.Exhausted
		all.Cancelled += p.Cancelled
		for i, n := range p.Durations {
			all.Durations[i] += n
		}
	}
	return all
}

func testStats(t *testing.T, open Open) {
	run := cases(t, open)

	run("attempts are counted once each, however they are recorded", func(t *testing.T, b *bundle) {
		const deliveries, tries = 20, 3
		var want models.AttemptCounts
		all := make([]*models.Delivery, deliveries)
		for i := range all {
			all[i] = b.delivery(t)
		}
		for number := 1; number <= tries; number++ {
			errs := make([]error, 2*deliveries)
			atOnce(len(errs), func(i int) { // each twice, of which one is refused
				a := newAttempt(all[i/2], number)
				outcome := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}
				switch {
				case i/2%2 == 0 && number == tries:
					outcome = models.DeliveryOutcome{Status: models.DeliveryExhausted}
				case number == tries:
					a.ErrorClass, a.Error = "", ""
					outcome = models.DeliveryOutcome{Status: models.DeliveryDelivered}
				}
				if errs[i] = b.RecordAttempt(t.Context(), a, outcome); models.ErrorCode(errs[i]) == models.CodeConflict {
					errs[i] = nil
				}
			})
			require.NoError(t, errors.Join(errs...))
		}
		want.Attempts, want.Succeeded, want.Exhausted = deliveries*tries, deliveries/2, deliveries/2
		is := sum(b.stats(t, models.StatsFilter{}))
		require.Equal(t, []int64{want.Attempts, want.Succeeded, want.Exhausted}, []int64{is.Attempts, is.Succeeded, is.Exhausted})
		var durations int64
		for _, n := range is.Durations {
			durations += n
		}
		require.Equal(t, want.Attempts, durations)

		one := all[0]
		points := b.stats(t, models.StatsFilter{SubscriptionID: one.SubscriptionID, EventType: one.EventType, GroupBy: models.StatsOfSubscription})
		require.Equal(t, one.SubscriptionID, points[0].Group)
		require.EqualValues(t, tries, sum(points).Attempts)
		require.Len(t, b.stats(t, models.StatsFilter{GroupBy: models.StatsOfType, Step: 24 * time.Hour}), deliveries)
	})

	run("a delivery that is cancelled while it is open is counted, another one is not", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		for range 2 {
			b.change(t, d, models.Change{Act: models.ActCancel, Why: annForATest})
		}
		require.EqualValues(t, 1, sum(b.stats(t, models.StatsFilter{})).Cancelled)
	})

	run("a class and a duration are found where they belong", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		began := time.Now().UTC().Truncate(time.Minute).Add(-30 * time.Second)
		for i, total := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Hour} {
			a := newAttempt(d, i+1)
			a.StartedAt, a.Timing.Total, a.ErrorClass = began, total, models.ErrorClasses()[i]
			require.NoError(t, b.RecordAttempt(t.Context(), a, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: began}))
		}
		points := b.stats(t, models.StatsFilter{})
		require.Len(t, points, 1)
		require.Equal(t, began.Truncate(time.Minute), points[0].At)
		require.Equal(t, map[models.ErrorClass]int64{
			models.ErrorStatus: 1, models.ErrorRedirect: 1, models.ErrorTimeout: 1, models.ErrorDNS: 1,
		}, points[0].Failed)
		for bucket, n := range points[0].Durations {
			require.Equal(t, map[int]int64{0: 1, 1: 1, 10: 1, models.DurationBuckets - 1: 1}[bucket], n, bucket)
		}
	})

	run("adding up keeps all counts, in several processes too", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		const hours, ofEach = 20, 2
		for i := range hours * ofEach {
			a := newAttempt(d, i+1)
			a.StartedAt = time.Now().Truncate(time.Hour).Add(-time.Duration(i%hours)*10*24*time.Hour + time.Duration(i/hours)*time.Minute)
			require.NoError(t, b.RecordAttempt(t.Context(), a, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}))
		}
		before := b.stats(t, models.StatsFilter{Step: 24 * time.Hour})
		errs := make([]error, 4)
		atOnce(len(errs), func(i int) { errs[i] = b.AddUpStats(t.Context()) })
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, before, b.stats(t, models.StatsFilter{Step: 24 * time.Hour}))
		require.Len(t, b.stats(t, models.StatsFilter{}), hours+1, "the newest are by the minute, the others by the hour or the day")
	})
}
