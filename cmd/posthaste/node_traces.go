package main

import (
	"context"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/tracing/otlp"
)

// startTraces exports spans, if the environment names a collector. It comes before the engine, see config.ReadTraces. A collector
// that is away keeps no process from starting, and delays its stop by seconds at most.
func (n *node) startTraces(ctx context.Context) error {
	cfg, err := config.ReadTraces()
	if err != nil || cfg.Collector == "" {
		return err
	}
	exporter, err := otlp.Start(ctx, otlp.Options{Version: version(), Queue: cfg.Queue, Logger: n.libraries, Registry: n.registry})
	if err != nil {
		return err
	}
	n.tracer = exporter.Tracer()
	n.log.Info("traces.started", "collector", cfg.Collector)
	n.push("traces", func(ctx context.Context) error {
		if err := exporter.Stop(ctx); err != nil {
			n.log.Warn("traces.not_flushed", "collector", cfg.Collector, "error", err)
		}
		return nil
	})
	return nil
}
