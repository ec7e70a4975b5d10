package main

import (
	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/config"
)

// maxMetricsConnections is enough for several scrapers and probes.
const maxMetricsConnections = 64

// registerStore adds the metrics that every process has, and those of the store.
func (n *node) registerStore() {
	api.Register(n.registry, n.store, n.log, version())
	n.registry.MustRegister(n.store.Collectors()...)
}

// listenMetrics takes the address of the metrics, if there is one.
func (n *node) listenMetrics(cfg config.Metrics) (err error) {
	if cfg.MetricsListen == "" {
		return nil
	}
	n.metricsListener, err = n.take(cfg.MetricsListen, "--metrics-listen")
	return err
}

// metricsURL returns the URL of the metrics; empty without an address for them.
func (n *node) metricsURL() string {
	if n.metricsListener == nil {
		return ""
	}
	return "http://" + n.metricsListener.Addr().String() + "/metrics"
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
