package api

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// metrics are what GET /metrics shows, in Prometheus' form. Nothing in a label comes from a request.
type metrics struct {
	registry *prometheus.Registry
	webhooks *prometheus.CounterVec
}

func newMetrics(backlog prometheus.Collector) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posthaste_webhooks_total",
		Help: "Requests to sources, by provider and by what became of them: accepted, repeated or reused (an event that is there " +
			"already, or a used id), challenge, or why they were refused.",
	}, []string{"provider", "outcome"})}
	m.registry.MustRegister(m.webhooks, backlog, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// refusals names the reasons for refusing a webhook.
var refusals = []struct {
	err  error
	name string
}{
	{receivers.ErrMethod, "method"},
	{receivers.ErrTooLarge, "too_large"},
	{receivers.ErrMissing, "not_signed"},
	{receivers.ErrMalformed, "malformed"},
	{receivers.ErrEncoding, "encoding"},
	{receivers.ErrNotText, "not_text"},
	{receivers.ErrBadTime, "bad_time"},
	{receivers.ErrTooOld, "too_old"},
	{receivers.ErrTooNew, "too_new"},
	{receivers.ErrNoMatch, "no_match"},
	{receivers.ErrCertificate, "certificate"},
	{receivers.ErrUnavailable, "unavailable"},
}

// reasonOf names the reason for which a webhook is refused; it is empty where the failure is ours.
func reasonOf(err error) string {
	if models.ErrorCode(err) == models.CodeBusy {
		return "busy"
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal.err) {
			return refusal.name
		}
	}
	if _, ok := errors.AsType[refused](err); ok {
		return "other"
	}
	return ""
}

// getMetrics handles GET /metrics.
func (s *server) getMetrics(c *gin.Context) error {
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(c.Writer, c.Request)
	return nil
}

// backlogTimeout is how long a scrape waits for the store.
const backlogTimeout = 2 * time.Second

// backlog measures the events that are accepted and wait for their deliveries to be planned. When the store does not
// answer it is left out: no number is better than a wrong one.
type backlog struct {
	store       Store
	log         *slog.Logger
	now         func() time.Time
	events, age *prometheus.Desc
}

func newBacklog(d Deps) *backlog {
	return &backlog{
		store: d.Store, log: d.Logger, now: d.Now,
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
