package activities

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/models"
)

// metrics measure attempts, in memory only. No label of theirs holds a tenant or an id.
type metrics struct {
	attempts         *prometheus.CounterVec
	duration         prometheus.Histogram
	first, delivered prometheus.Histogram
	told             func(tenant string, outcome models.DeliveryStatus) // of each attempt; may be nil
}

// longBuckets go from a delivery at once to one at the end of the usual schedule.
var longBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 21600, 86400, 259200}

func newMetrics() *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "posthaste_attempts_total",
			Help: "Recorded attempts, by the status that they gave the delivery (pending: there is another attempt) and by class of error.",
		}, []string{"outcome", "error_class"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "posthaste_attempt_duration_seconds", Help: "Time that the request of an attempt took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}),
		first: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "posthaste_first_attempt_delay_seconds", Help: "Time from accepting an event to the start of a first attempt.",
			Buckets: longBuckets,
		}),
		delivered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "posthaste_delivery_delay_seconds",
			Help:    "Time from accepting an event to a successful attempt, without deliveries that were redelivered by hand.",
			Buckets: longBuckets,
		}),
	}
	m.startAtZero()
	return m
}

// startAtZero shows the series before their first attempt: Prometheus sees no increase in a series that appears with 1.
func (m *metrics) startAtZero() {
	m.attempts.WithLabelValues(string(models.DeliveryDelivered), "none")
	for _, class := range models.ErrorClasses() {
		for _, outcome := range []models.DeliveryStatus{models.DeliveryPending, models.DeliveryExhausted, models.DeliveryCancelled} {
			m.attempts.WithLabelValues(string(outcome), string(class))
		}
	}
}

func (m *metrics) register(registry prometheus.Registerer) {
	registry.MustRegister(m.attempts, m.duration, m.first, m.delivered)
}

// count measures a recorded attempt.
func (m *metrics) count(work *models.Work, attempt *models.Attempt, outcome models.DeliveryOutcome) {
	m.attempts.WithLabelValues(string(outcome.Status), cmp.Or(string(attempt.ErrorClass), "none")).Inc()
	if m.told != nil {
		m.told(work.Event.Tenant, outcome.Status)
	}
	m.duration.Observe(attempt.Timing.Total.Seconds())
	if attempt.Number == 1 {
		observeSince(m.first, work.Event.CreatedAt, attempt.StartedAt)
	}
	if attempt.Succeeded() && work.Delivery.Forwarded == 0 {
		observeSince(m.delivered, work.Event.CreatedAt, attempt.StartedAt.Add(attempt.Timing.Total))
	}
}

// observeSince takes a time that another host's clock put before the start for 0.
func observeSince(in prometheus.Observer, start, end time.Time) {
	in.Observe(max(end.Sub(start), 0).Seconds())
}
