package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

var subscriptionStatsQuery = []string{"since", "tenant", "status", "q", "sort"}

const (
	sparks      = 24 // points of a subscription in a list
	longestSpan = 2 * 365 * 24 * time.Hour
)

// listSubscriptionStats handles GET /v1/stats/subscriptions.
func (s *server) listSubscriptionStats(c *gin.Context) error {
	filter, err := s.subscriptionStatsFilter(readQuery(c))
	if err != nil {
		return err
	}
	found, err := s.Store.SubscriptionStats(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("read figures of subscriptions: %w", err)
	}
	errorsToo := who(c).holds(models.ScopeReadEvents)
	return reply(c, http.StatusOK, client.SubscriptionStatsPage{
		Since: stamp(filter.Since), Until: stamp(filter.Until), Step: client.Duration(filter.Step),
		Page: newPage(found, filter.Page, func(one *models.SubscriptionStats) string { return one.ID },
			func(one *models.SubscriptionStats) client.SubscriptionStats {
				return showSubscriptionStats(one, errorsToo)
			}),
	})
}

func (s *server) subscriptionStatsFilter(q *query) (models.SubscriptionStatsFilter, error) {
	filter := models.SubscriptionStatsFilter{
		Tenant: q.tenant(), Text: q.get("q", models.ValidateSearch),
		Status: choice(q, "status", models.SubscriptionActive, models.SubscriptionPaused, models.SubscriptionDisabled),
		Sort:   choice(q, "sort", models.SortWorst, models.SortAttempts, models.SortP95, models.SortName),
		Page:   q.page(models.SubscriptionPrefix),
	}
	if filter.Sort == "" {
		filter.Sort = models.SortWorst
	}
	now := s.Now().UTC()
	since := q.time("since")
	if since.IsZero() {
		since = now.Add(-usualSpan)
	}
	if !since.Before(now) || now.Sub(since) > longestSpan {
		q.refuse(models.Invalid("since", "is not in the last two years"))
	}
	filter.Since, filter.Until, filter.Step = sparkSpan(now.Sub(since), now)
	return filter, q.err
}

// sparkSpan cuts a span that ends now into points of whole minutes, the last of which has begun.
func sparkSpan(span time.Duration, now time.Time) (since, until time.Time, step time.Duration) {
	step = max((span+sparks*time.Minute-1).Truncate(sparks*time.Minute)/sparks, time.Minute)
	until = now.Truncate(step).Add(step)
	return until.Add(-sparks * step), until, step
}

func showSubscriptionStats(one *models.SubscriptionStats, errorsToo bool) client.SubscriptionStats {
	shown := client.SubscriptionStats{
		ID: one.ID, Tenant: one.Tenant, Name: one.Name, Receiver: models.ReceiverOf(one.URL), Status: client.SubscriptionStatus(one.Status),
		Attempts: one.Attempts, Succeeded: one.Succeeded, Failed: showFailed(one.Failed), Exhausted: one.Exhausted, Cancelled: one.Cancelled,
		P50: milliseconds(one.Percentile(0.5)), P95: milliseconds(one.Percentile(0.95)), P99: milliseconds(one.Percentile(0.99)),
		LastSuccessAt: stamp(one.LastSuccess), LastFailureAt: stamp(one.LastFailure),
		Pending: standing(one, models.DeliveryPending), Held: standing(one, models.DeliveryHeld), DeadLetters: standing(one, models.DeliveryExhausted),
		Points: []client.SparkPoint{}, Links: client.Links{Subscription: subscriptionPath(one.ID), Deliveries: subscriptionLinks(&models.Subscription{ID: one.ID}).Deliveries},
	}
	if errorsToo {
		shown.LastError = one.LastError
	}
	for _, p := range one.Points {
		shown.Points = append(shown.Points, client.SparkPoint{At: stamp(p.At), Attempts: p.Attempts, Succeeded: p.Succeeded})
	}
	return shown
}

func standing(one *models.SubscriptionStats, status models.DeliveryStatus) client.Count {
	count := one.Standing[status]
	return client.Count{Count: count, More: count == models.StandingLimit}
}
