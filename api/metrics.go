package api

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what the API does. No label comes from a request.
type metrics struct {
	accepted prometheus.Counter
	webhooks *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "posthaste_events_accepted_total",
			Help: "Events that were stored by this process, without repeated ones.",
		}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "posthaste_webhooks_total",
			Help: "Requests to sources, by provider and by what became of them: accepted, repeated or reused (an event that is there " +
				"already, or a used id), challenge, or why they were refused.",
		}, []string{"provider", "outcome"}),
	}
}

// newRegistry returns a registry with the metrics that every process has.
func newRegistry(backlog prometheus.Collector, version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(backlog, buildInfo(version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// NewRegistry returns a registry with the metrics that every process has: the backlog in the store, version, Go and the
// process. Pass it to New and NewProbes, which both show it, and register the metrics of the other parts of the process.
func NewRegistry(store ProbeStore, log *slog.Logger, version string) *prometheus.Registry {
	return newRegistry(newBacklog(store, log, time.Now), version)
}

func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "posthaste_build_info", Help: "1; the labels say which program runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	}, func() float64 { return 1 })
}

// getMetrics handles GET /metrics, in Prometheus' form.
func (p *probes) getMetrics(c *gin.Context) error {
	promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}).ServeHTTP(c.Writer, c.Request)
	return nil
}

// backlogTimeout is how long a scrape waits for the store.
const backlogTimeout = 2 * time.Second

// backlog measures the events that are accepted and wait for their deliveries to be planned. When the store does not
// answer it is left out: no number is better than a wrong one.
type backlog struct {
	store       ProbeStore
	log         *slog.Logger
	now         func() time.Time
	events, age *prometheus.Desc
}

func newBacklog(store ProbeStore, log *slog.Logger, now func() time.Time) *backlog {
	return &backlog{
		store: store, log: log, now: now,
		events: prometheus.NewDesc("posthaste_backlog_events", "Events that are accepted and not planned yet.", nil, nil),
		age:    prometheus.NewDesc("posthaste_backlog_age_seconds", "Age of the oldest of them; 0 when there is none.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- b.events
	descriptions <- b.age
}

// Collect implements prometheus.Collector.
func (b *backlog) Collect(values chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	count, oldest, err := b.store.Backlog(ctx)
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "api.backlog_not_measured", slog.Any("error", err))
		return
	}
	values <- prometheus.MustNewConstMetric(b.events, prometheus.GaugeValue, float64(count))
	values <- prometheus.MustNewConstMetric(b.age, prometheus.GaugeValue, age(oldest, b.now()).Seconds())
}

// age of the zero time is 0.
func age(since, now time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(now.Sub(since), 0)
}
