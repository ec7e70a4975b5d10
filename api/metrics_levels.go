package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/models"
)

// LevelStore counts what waits; see [Store].
type LevelStore interface {
	// Backlog counts the events that are accepted and not planned yet, and says when the oldest of them was made.
	Backlog(ctx context.Context) (count int, oldest time.Time, err error)
	// Totals counts what is not settled at the given time.
	Totals(ctx context.Context, at time.Time) (models.Totals, error)
	// Size returns how many bytes the database takes on disk, and how many of them are free for new rows, where that is known.
	Size(ctx context.Context) (size, free int64, err error)
}

const (
	// levelsTimeout is how long a scrape waits for the store.
	levelsTimeout = 2 * time.Second

	// levelsFor is how long a result, or a failure, is given to further scrapes. Several may watch a process, and a count costs the
	// database some milliseconds; with sixty thousand deliveries in each status, and no vacuum yet, a fifth of a second.
	levelsFor = 10 * time.Second
)

// waiting is what the store says.
type waiting struct {
	models.Totals
	events int
	age    time.Duration
	size   int64 // of the database
}

// levels measures what waits in the store. When the store does not answer, its gauges are left out: no number is better than a
// wrong one.
type levels struct {
	store LevelStore
	log   *slog.Logger
	now   func() time.Time

	mu    sync.Mutex
	at    time.Time
	found *waiting // nil: the store did not answer
}

func newLevels(store LevelStore, log *slog.Logger, now func() time.Time) *levels {
	return &levels{store: store, log: log, now: now}
}

// level is a gauge of what waits in the store.
type level struct {
	*prometheus.Desc
	value func(*waiting) int
}

var backlogAge = prometheus.NewDesc("posthaste_backlog_age_seconds", "Age of the oldest of them; 0 when there is none.", nil, nil)

var gauges = []level{
	{describe("backlog_events", "Events that are accepted and not planned yet."), func(w *waiting) int { return w.events }},
	{describeDeliveries(models.DeliveryPending), func(w *waiting) int { return w.Pending }},
	{describeDeliveries(models.DeliveryHeld), func(w *waiting) int { return w.Held }},
	{describeDeliveries(models.DeliveryExhausted), func(w *waiting) int { return w.Exhausted }},
	{describe("database_bytes", "Bytes of the database on its disk."), func(w *waiting) int { return int(w.size) }},
	{describe("deliveries_overdue", "Pending deliveries whose attempt is five minutes late."), func(w *waiting) int { return w.Overdue }},
	{describe("subscriptions_failing", "Subscriptions of which a delivery is being retried."), func(w *waiting) int { return w.Failing }},
	{describe("subscriptions_failing_long", "Those of them that have failed for an hour."), func(w *waiting) int { return w.FailingLong }},
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("posthaste_"+name, help, nil, nil)
}

func describeDeliveries(status models.DeliveryStatus) *prometheus.Desc {
	return prometheus.NewDesc("posthaste_deliveries", "Deliveries that are not settled, by status; exhausted: dead letters.", nil,
		prometheus.Labels{"status": string(status)})
}

// Describe implements prometheus.Collector.
func (l *levels) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- backlogAge
	for _, gauge := range gauges {
		descriptions <- gauge.Desc
	}
}

// Collect implements prometheus.Collector.
func (l *levels) Collect(values chan<- prometheus.Metric) {
	found := l.measure()
	if found == nil {
		return
	}
	values <- prometheus.MustNewConstMetric(backlogAge, prometheus.GaugeValue, found.age.Seconds())
	for _, gauge := range gauges {
		values <- prometheus.MustNewConstMetric(gauge.Desc, prometheus.GaugeValue, float64(gauge.value(found)))
	}
}

// measure asks the store, unless it was asked just now.
func (l *levels) measure() *waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.now(); at.Sub(l.at) >= levelsFor || at.Before(l.at) {
		l.at, l.found = at, l.ask(at)
	}
	return l.found
}

func (l *levels) ask(at time.Time) *waiting {
	ctx, cancel := context.WithTimeout(context.Background(), levelsTimeout)
	defer cancel()
	count, oldest, err := l.store.Backlog(ctx)
	found := &waiting{events: count, age: age(oldest, at)}
	if err == nil {
		found.Totals, err = l.store.Totals(ctx, at)
	}
	if err == nil {
		found.size, _, err = l.store.Size(ctx)
	}
	if err != nil {
		l.log.LogAttrs(ctx, slog.LevelWarn, "metrics.store_not_measured", slog.Any("error", err))
		return nil
	}
	return found
}

// age of the zero time is 0.
func age(since, now time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(now.Sub(since), 0)
}
