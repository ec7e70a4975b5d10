package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// StatsStore counts attempts over time; see [Store].
type StatsStore interface {
	Stats(ctx context.Context, filter models.StatsFilter) ([]*models.StatsPoint, error)
	// SubscriptionStats sorts subscriptions by their figures. A place that is gone is a CodeInvalid error.
	SubscriptionStats(ctx context.Context, filter models.SubscriptionStatsFilter) ([]*models.SubscriptionStats, error)
}

var seriesQuery = []string{"since", "until", "step", "tenant", "subscription_id", "event_type", "group_by"}

const (
	mostPoints  = 5000
	usualPoints = 120 // at most, of a group whose step is not asked for
	usualSpan   = 24 * time.Hour
)

// steps are the lengths that a point can have.
var steps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// getSeries handles GET /v1/stats/series.
func (s *server) getSeries(c *gin.Context) error {
	filter, err := s.statsFilter(readQuery(c))
	if err != nil {
		return err
	}
	points, err := s.Store.Stats(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	if len(points) > mostPoints {
		return models.Invalid("step", "%s gives more than %d points; take a longer one, or a shorter time", words(filter.Step), mostPoints)
	}
	return reply(c, http.StatusOK, client.Series{
		Since: stamp(filter.Since), Until: stamp(filter.Until), Step: client.Duration(filter.Step), Groups: groupPoints(points),
	})
}

func (s *server) statsFilter(q *query) (models.StatsFilter, error) {
	filter := models.StatsFilter{
		Tenant: q.tenant(), SubscriptionID: q.id("subscription_id", models.SubscriptionPrefix), EventType: q.eventType("event_type"),
		GroupBy: choice(q, "group_by", models.StatsOfSubscription, models.StatsOfType), Limit: mostPoints + 1,
	}
	filter.Since, filter.Until = q.span()
	if filter.Until.IsZero() {
		filter.Until = s.Now().UTC()
	}
	if filter.Since.IsZero() {
		filter.Since = filter.Until.Add(-usualSpan)
	}
	if filter.Step = q.step(); filter.Step == 0 {
		filter.Step = stepFor(filter.Until.Sub(filter.Since))
	}
	filter.Since = filter.Since.UTC().Truncate(filter.Step) // whole points
	return filter, q.err
}

// step reads the length of a point; 0 if none is asked for.
func (q *query) step() (step time.Duration) {
	q.get("step", func(value string) error {
		for _, possible := range steps {
			if value == words(possible) {
				step = possible
				return nil
			}
		}
		return models.Invalid("step", "is not one of: 1m, 5m, 15m, 1h, 6h, 24h")
	})
	return step
}

// stepFor is the shortest step that gives few points.
func stepFor(span time.Duration) time.Duration {
	for _, step := range steps {
		if span/step <= usualPoints {
			return step
		}
	}
	return steps[len(steps)-1]
}

func words(d time.Duration) string {
	text, _ := client.Duration(d).MarshalText() // it never fails
	return string(text)
}

// groupPoints makes a series of each group. The points come by group.
func groupPoints(points []*models.StatsPoint) []client.SeriesGroup {
	groups := []client.SeriesGroup{}
	for _, p := range points {
		if n := len(groups); n == 0 || groups[n-1].Group != p.Group {
			groups = append(groups, client.SeriesGroup{Group: p.Group})
		}
		last := &groups[len(groups)-1]
		last.Points = append(last.Points, showPoint(p))
	}
	return groups
}

func showPoint(p *models.StatsPoint) client.SeriesPoint {
	return client.SeriesPoint{
		At: stamp(p.At), Attempts: p.Attempts, Succeeded: p.Succeeded, Failed: showFailed(p.Failed), Exhausted: p.Exhausted, Cancelled: p.Cancelled,
		P50: milliseconds(p.Percentile(0.5)), P95: milliseconds(p.Percentile(0.95)), P99: milliseconds(p.Percentile(0.99)),
	}
}

// showFailed is nil if none failed.
func showFailed(failed map[models.ErrorClass]int64) map[client.ErrorClass]int64 {
	if len(failed) == 0 {
		return nil
	}
	shown := make(map[client.ErrorClass]int64, len(failed))
	for class, count := range failed {
		shown[client.ErrorClass(class)] = count
	}
	return shown
}
