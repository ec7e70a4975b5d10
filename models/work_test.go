package models_test

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// A receiver that names one moment to everybody does not get everybody in that moment.
func TestOutcomeSpreadsBehindRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)
	sub := models.NewSubscription(models.Subscription{RetrySchedule: models.Schedule{5 * time.Second, time.Hour}}, now)
	work := &models.Work{Delivery: &models.Delivery{}, Subscription: sub}
	for value, asked := range map[string]time.Duration{
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, "65.57": 66 * time.Second,
	} {
		times := map[time.Time]bool{}
		for range 20 {
			attempt := &models.Attempt{Number: 1, Exchange: models.Exchange{
				Status: 503, ErrorClass: models.ErrorStatus, Header: http.Header{"Retry-After": {value}},
			}}
			outcome := work.Outcome(attempt, now, rand.Float64())
			require.False(t, outcome.NextAttemptAt.Before(now.Add(asked)), "%s: %s", value, outcome.NextAttemptAt)
			require.False(t, outcome.NextAttemptAt.After(now.Add(asked+asked/10)), "%s: %s", value, outcome.NextAttemptAt)
			times[outcome.NextAttemptAt.Truncate(time.Millisecond)] = true
		}
		require.Greater(t, len(times), 15, value)
	}
}
