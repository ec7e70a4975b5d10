package client

import (
	"context"
	"fmt"
	"time"
)

// Stats says how far the server's deliveries are behind the events that it
// accepted.
type Stats struct {
	Backlog Backlog `json:"backlog"`
}

// Backlog describes the events whose deliveries are not planned yet.
type Backlog struct {
	Events   int       `json:"events"`
	OldestAt Timestamp `json:"oldest_at,omitzero"` // zero if there is none
	Age      Duration  `json:"age"`                // of the oldest event
}

// Stats measures the server's backlog.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	var answer struct {
		Backlog *Backlog `json:"backlog"`
	}
	if err := c.get(ctx, "v1/stats", nil, &answer); err != nil {
		return nil, err
	}
	if answer.Backlog == nil {
		return nil, fmt.Errorf("%w: it has no backlog", ErrAnswer)
	}
	return &Stats{*answer.Backlog}, nil
}

// Series has figures over time. A point without attempts is absent.
type Series struct {
	Since  Timestamp     `json:"since"`
	Until  Timestamp     `json:"until"`
	Step   Duration      `json:"step"` // the length of a point
	Groups []SeriesGroup `json:"series"`
}

// SeriesGroup has the points of a group, by time.
type SeriesGroup struct {
	Group  string        `json:"group,omitempty"` // id of a subscription, or an event type; "" if nothing was to be grouped
	Points []SeriesPoint `json:"points"`
}

// SeriesPoint counts the attempts that began at At or later, and before the next
// point.
type SeriesPoint struct {
	At        Timestamp            `json:"at"` // a multiple of the step since 1970
	Attempts  int64                `json:"attempts"`
	Succeeded int64                `json:"succeeded"`
	Failed    map[ErrorClass]int64 `json:"failed,omitempty"`
	Exhausted int64                `json:"exhausted"` // deliveries whose last retry failed
	Cancelled int64                `json:"cancelled"` // deliveries that were cancelled while they were open

	// P50, P95 and P99 are percentiles of the attempts' durations in milliseconds,
	// read from a scale: each is at most 27 % off.
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

// SeriesFilter selects figures. The zero value selects the last 24 hours of all
// tenants.
type SeriesFilter struct {
	Tenant         string
	SubscriptionID string
	EventType      string
	Since, Until   time.Time
	Step           time.Duration // 1m, 5m, 15m, 1h, 6h or 24h; 0: the shortest with at most 120 points
	GroupBy        string        // subscription or type; "" sums up
}

// Series reads figures over time.
func (c *Client) Series(ctx context.Context, f SeriesFilter) (*Series, error) {
	step := ""
	if f.Step > 0 {
		text, _ := Duration(f.Step).MarshalText() // it never fails
		step = string(text)
	}
	var answer Series
	err := c.get(ctx, "v1/stats/series", queryOf("tenant", f.Tenant, "subscription_id", f.SubscriptionID, "event_type", f.EventType,
		"since", moment(f.Since), "until", moment(f.Until), "step", step, "group_by", f.GroupBy), &answer)
	if err != nil {
		return nil, err
	}
	if answer.Groups == nil {
		return nil, fmt.Errorf("%w: it has no series", ErrAnswer)
	}
	return &answer, nil
}
