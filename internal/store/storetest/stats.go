package storetest

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

	run("percentiles of merged minutes and subscriptions are at most 27 % off those of the attempts", func(t *testing.T, b *bundle) {
		const attempts, longest = 120, 30 * time.Second
		deliveries := []*models.Delivery{b.delivery(t), b.delivery(t), b.delivery(t)}
		raw := make([]time.Duration, attempts)
		for i := range raw {
			raw[i] = time.Duration(math.Exp(rand.Float64()*math.Log(float64(longest/time.Millisecond))) * float64(time.Millisecond)) // of all lengths
			a := newAttempt(deliveries[i%3], i/3+1)
			a.StartedAt, a.Timing.Total = time.Now().Add(-time.Duration(i)*7*time.Second), raw[i]
			require.NoError(t, b.RecordAttempt(t.Context(), a, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}))
		}
		require.Greater(t, len(b.stats(t, models.StatsFilter{GroupBy: models.StatsOfSubscription})), attempts/10)
		slices.Sort(raw)
		merged := sum(b.stats(t, models.StatsFilter{}))
		for _, p := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			exact := raw[int(math.Ceil(p*attempts))-1]
			require.InEpsilon(t, exact, merged.Percentile(p), 0.27, "p %v of %v", p, raw)
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

// attempt records one attempt of the delivery, a minute ago. It fails with the class, or succeeds.
func (b *bundle) attempt(t *testing.T, d *models.Delivery, number int, class models.ErrorClass, took time.Duration, status models.DeliveryStatus) {
	t.Helper()
	a := newAttempt(d, number)
	a.StartedAt, a.ErrorClass, a.Error, a.Timing.Total = time.Now().Add(-time.Minute), class, string(class), took
	outcome := models.DeliveryOutcome{Status: status}
	if status == models.DeliveryPending {
		outcome.NextAttemptAt = time.Now().Add(time.Hour)
	}
	require.NoError(t, b.RecordAttempt(t.Context(), a, outcome))
}

// ranked reads the figures of the last 24 hours of the tenant's subscriptions.
func (b *bundle) ranked(t *testing.T, f models.SubscriptionStatsFilter) []*models.SubscriptionStats {
	t.Helper()
	f.Tenant, f.Until, f.Step = b.tenant, time.Now().Truncate(time.Hour).Add(time.Hour), time.Hour
	f.Since, f.Page.Limit = f.Until.Add(-24*time.Hour), max(f.Page.Limit, 1)
	require.NoError(t, b.AddUpMarks(t.Context()))
	found, err := b.SubscriptionStats(t.Context(), f)
	require.NoError(t, err)
	return found
}

// order are the names of the subscriptions, read in pages of one.
func (b *bundle) order(t *testing.T, f models.SubscriptionStatsFilter) (names []string) {
	t.Helper()
	for {
		found := b.ranked(t, f)
		if len(found) == 0 {
			return names
		}
		names = append(names, found[0].Name)
		f.Page.After = found[0].ID
	}
}

func testSubscriptionStats(t *testing.T, open Open) {
	run := cases(t, open)

	run("subscriptions are sorted by what their attempts were like", func(t *testing.T, b *bundle) {
		const tries = 20 // of each
		for name, failed := range map[string]int{"bad": 15, "Fair": 3, "good": 0, "idle": 0} {
			sub := b.newSubscription(name)
			sub.Name, sub.URL = name, "https://"+strings.ToLower(name)+".example?secret"
			require.NoError(t, b.CreateSubscription(t.Context(), sub))
			for i := range map[string]int{"bad": tries, "Fair": tries + 1, "good": tries - 1}[name] {
				d := b.plan(t, b.event(t, name).ID)[0]
				if i < failed {
					b.attempt(t, d, 1, models.ErrorTimeout, time.Second, models.DeliveryPending)
					continue
				}
				b.attempt(t, d, 1, "", map[string]time.Duration{"good": time.Minute}[name], models.DeliveryDelivered)
			}
		}
		for sort, want := range map[models.StatsSort][]string{
			models.SortWorst: {"bad", "Fair", "good", "idle"}, models.SortAttempts: {"Fair", "bad", "good", "idle"},
			models.SortP95: {"good", "Fair", "bad", "idle"}, models.SortName: {"bad", "Fair", "good", "idle"},
		} {
			require.Equal(t, want, b.order(t, models.SubscriptionStatsFilter{Sort: sort}), sort)
		}
		for text, want := range map[string][]string{"FAIR": {"Fair"}, "d.exam": {"bad", "good"}, "secret": nil, "%": nil, "_": nil, `\`: nil} {
			require.Equal(t, want, b.order(t, models.SubscriptionStatsFilter{Sort: models.SortWorst, Text: text}), text)
		}
		require.Empty(t, b.order(t, models.SubscriptionStatsFilter{Sort: models.SortWorst, Status: models.SubscriptionPaused}))
	})

	run("a row has counts, last times, the last error, what waits, and points", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		b.attempt(t, d, 1, models.ErrorDNS, time.Second, models.DeliveryPending)
		one := b.ranked(t, models.SubscriptionStatsFilter{Sort: models.SortWorst})[0]
		require.Equal(t, d.SubscriptionID, one.ID)
		require.Equal(t, b.tenant, one.Owner())
		require.Equal(t, models.SubscriptionActive, one.Status)
		require.EqualValues(t, 1, one.Attempts)
		require.Equal(t, map[models.ErrorClass]int64{models.ErrorDNS: 1}, one.Failed)
		require.Equal(t, 1, one.Standing[models.DeliveryPending])
		require.Equal(t, string(models.ErrorDNS), one.LastError)
		require.Zero(t, one.LastSuccess)
		require.WithinRange(t, one.LastFailure, time.Now().Add(-3*time.Minute), time.Now())
		require.Len(t, one.Points, 1)
		require.EqualValues(t, 1, one.Points[0].Attempts)
		require.Equal(t, one.LastFailure.Truncate(time.Hour), one.Points[0].At)

		b.attempt(t, d, 2, models.ErrorTLS, time.Second, models.DeliveryExhausted)
		one = b.ranked(t, models.SubscriptionStatsFilter{Sort: models.SortWorst})[0]
		require.Equal(t, map[models.DeliveryStatus]int{models.DeliveryPending: 0, models.DeliveryHeld: 0, models.DeliveryExhausted: 1}, one.Standing)
		require.Equal(t, string(models.ErrorTLS), one.LastError)
		require.EqualValues(t, 1, one.Exhausted)
	})

	run("a page after a subscription that is gone is refused", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		f := models.SubscriptionStatsFilter{Tenant: b.tenant, Sort: models.SortName, Step: time.Hour, Page: models.Page{After: sub.ID, Limit: 1}}
		found, err := b.SubscriptionStats(t.Context(), f)
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, b.DeleteSubscription(t.Context(), sub.ID))
		_, err = b.SubscriptionStats(t.Context(), f)
		require.Equal(t, models.CodeInvalid, models.ErrorCode(err))
	})
}
