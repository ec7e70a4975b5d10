package client

import (
	"context"
	"fmt"
	"iter"
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

// SubscriptionStats tells how the attempts of a subscription went, and what waits
// for it now.
type SubscriptionStats struct {
	ID        string               `json:"id"`
	Tenant    string               `json:"tenant"`
	Name      string               `json:"name,omitempty"`
	Receiver  string               `json:"receiver"` // host of its URL, with the port
	Status    SubscriptionStatus   `json:"status"`
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

	// LastSuccessAt and LastFailureAt are when the minute began in which an attempt
	// succeeded last, or failed: of older figures the hour or the day; zero: none.
	LastSuccessAt Timestamp `json:"last_success_at,omitzero"`
	LastFailureAt Timestamp `json:"last_failure_at,omitzero"`

	// LastError is in words, of a delivery that is failing or has failed for good;
	// "" if there is none, or the key does not hold events:read.
	LastError string `json:"last_error,omitempty"`

	Pending     Count `json:"pending"`
	Held        Count `json:"held"`
	DeadLetters Count `json:"dead_letters"` // deliveries that are exhausted

	Points []SparkPoint `json:"points"` // by time; one without attempts is absent
	Links  Links        `json:"links"`
}

// SparkPoint counts the attempts that began at At or later, and before the next
// point.
type SparkPoint struct {
	At        Timestamp `json:"at"`
	Attempts  int64     `json:"attempts"`
	Succeeded int64     `json:"succeeded"`
}

// SubscriptionStatsPage is one page of subscriptions with their figures.
type SubscriptionStatsPage struct {
	Page[SubscriptionStats]

	Since Timestamp `json:"since"` // the figures begin here
	Until Timestamp `json:"until"` // end of the last point, which has not passed yet
	Step  Duration  `json:"step"`  // the length of a point
}

// SubscriptionStatsFilter selects subscriptions, and the time of their figures.
// The zero value selects all, with the last 24 hours.
type SubscriptionStatsFilter struct {
	Tenant   string
	Status   SubscriptionStatus
	Text     string    // a part of the name or of the receiver
	Since    time.Time // moved to the beginning of one of 24 points
	Sort     string    // worst, attempts, p95 or name; "": worst
	PageSize int       // how many are fetched at a time; 0: the server's default
}

// SubscriptionStats lists subscriptions with their figures. It fetches one page
// after the other while the caller walks through the list; the order changes with
// the figures meanwhile.
func (c *Client) SubscriptionStats(ctx context.Context, f SubscriptionStatsFilter) iter.Seq2[SubscriptionStats, error] {
	return list[SubscriptionStats](ctx, c, "v1/stats/subscriptions", queryOf("tenant", f.Tenant, "status", string(f.Status),
		"q", f.Text, "since", moment(f.Since), "sort", f.Sort, "limit", number(f.PageSize)))
}
