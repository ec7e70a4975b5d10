package api

import (
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
func newRegistry(store LevelStore, log *slog.Logger, now func() time.Time, version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newLevels(store, log, now), buildInfo(version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// NewRegistry returns a registry with the metrics that every process has: what waits in the store, version, Go and the
// process. Pass it to New and NewProbes, which both show it, and register the metrics of the other parts of the process.
func NewRegistry(store LevelStore, log *slog.Logger, version string) *prometheus.Registry {
	return newRegistry(store, log, time.Now, version)
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
