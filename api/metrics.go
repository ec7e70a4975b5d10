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

// Register adds the metrics that every process has: what waits in the store, version, Go and the process. It panics if they are
// there already. Pass the registry to New and NewProbes, which both show it.
func Register(registry *prometheus.Registry, store LevelStore, log *slog.Logger, version string) {
	register(registry, newLevels(store, log, time.Now), version)
}

func register(registry *prometheus.Registry, waiting prometheus.Collector, version string) {
	registry.MustRegister(waiting, buildInfo(version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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
