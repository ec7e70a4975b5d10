package main

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/store"
)

// maxMetricsConnections is enough for several scrapers and probes.
const maxMetricsConnections = 64

// newRegistry returns the registry of a process: what every process has, and the store.
func newRegistry(s *store.Store, log *slog.Logger) *prometheus.Registry {
	registry := api.NewRegistry(s, log, version())
	registry.MustRegister(s.Collectors()...)
	return registry
}

// listenMetrics takes the address of the metrics, if there is one.
func (n *node) listenMetrics(cfg config.Metrics) (err error) {
	if cfg.MetricsListen == "" {
		return nil
	}
	n.metricsListener, err = n.take(cfg.MetricsListen, "--metrics-listen")
	return err
}

// serveMetrics serves metrics and probes on the address that listenMetrics took.
func (n *node) serveMetrics(cfg config.Metrics) error {
	if n.metricsListener == nil {
		return nil
	}
	handler, err := api.NewProbes(api.ProbeDeps{
		Store: n.store, Engine: n.control, Logger: n.log, Registry: n.registry, Key: cfg.MetricsKey, Version: version(),
	})
	if err != nil {
		return err
	}
	n.serveOn(capped(n.metricsListener, maxMetricsConnections), handler, "address of the metrics")
	return nil
}
