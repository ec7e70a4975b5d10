package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/keyring"
)

// The two engines of serverCmd.
const (
	engineEmbedded = "embedded"
	engineExternal = "external"
)

// serverCmd runs API and worker.
type serverCmd struct {
	config.API       `group:"API"`
	config.Store     `group:"Storage"`
	config.Delivery  `group:"Delivery"`
	config.Retention `group:"Retention"`
	config.Engine    `group:"Embedded Temporal"`
	config.Links     `group:"API"`
	config.Metrics   `group:"Metrics"`

	Kind string `name:"engine" env:"POSTHASTE_ENGINE" enum:"embedded,external," default:"" help:"Temporal in this process (embedded), or the Temporal at TEMPORAL_ADDRESS (external). Default: external if TEMPORAL_ADDRESS is set, else embedded."`
}

// Run implements the command.
func (c *serverCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runNode(ctx, log, c.node())
}

// node returns the parts that the server has.
func (c *serverCmd) node() nodeConfig {
	cfg := nodeConfig{api: &c.API, store: c.Store, delivery: c.Delivery, retention: c.Retention, worker: true, links: c.Links, metrics: c.Metrics}
	if cmp.Or(c.Kind, defaultEngine()) == engineExternal {
		return cfg
	}
	cfg.engine = &c.Engine
	return cfg
}

func defaultEngine() string {
	if config.TemporalAddress() != "" {
		return engineExternal
	}
	return engineEmbedded
}

// apiCmd runs the API with the dispatcher.
type apiCmd struct {
	config.API       `group:"API"`
	config.Store     `group:"Storage"`
	config.Delivery  `group:"Delivery"`
	config.Retention `group:"Retention"`
	config.Links     `group:"API"`
	config.Metrics   `group:"Metrics"`
}

// externalHelp is the help of the commands that need an external Temporal: how to name it.
const externalHelp = "Needs a Temporal cluster or Temporal Cloud: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (default posthaste), TEMPORAL_API_KEY, TEMPORAL_TLS_… and TEMPORAL_CONFIG_FILE, like all Temporal tools. While Temporal is unavailable, events are accepted and wait."

// Help is the long help of the command.
func (apiCmd) Help() string { return externalHelp }

// Help is the long help of the command.
func (workerCmd) Help() string { return externalHelp }

// Run implements the command.
func (c *apiCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runNode(ctx, log, nodeConfig{api: &c.API, store: c.Store, delivery: c.Delivery, retention: c.Retention, links: c.Links, metrics: c.Metrics})
}

// workerCmd runs a worker with the dispatcher's sweep.
type workerCmd struct {
	config.Store     `group:"Storage"`
	config.Delivery  `group:"Delivery"`
	config.Retention `group:"Retention"`
	config.Metrics   `group:"Metrics"`
}

// Run implements the command.
func (c *workerCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runNode(ctx, log, nodeConfig{store: c.Store, delivery: c.Delivery, retention: c.Retention, worker: true, metrics: c.Metrics})
}

// The log lines of a start and of an orderly stop.
const (
	startedMessage  = "process.started"
	stoppingMessage = "process.stopping"
)

func logStop(log *slog.Logger) {
	log.Info(stoppingMessage, "hint", "attempts under way are finished first")
}

// nodeConfig says which parts a node has; nil leaves one out.
type nodeConfig struct {
	api       *config.API
	store     config.Store
	delivery  config.Delivery
	retention config.Retention
	worker    bool
	engine    *config.Engine // embedded; nil: external
	links     config.Links
	metrics   config.Metrics
}

func runNode(ctx context.Context, log *slog.Logger, cfg nodeConfig) error {
	n := newNode(log)
	if err := cfg.start(ctx, n); err != nil {
		return errors.Join(err, n.stop())
	}
	cfg.report(n)
	return n.finish(ctx, func() { logStop(log) })
}

// check returns all errors in the settings at once, so that nobody has to start four times to learn of four errors.
func (cfg nodeConfig) check() (*keyring.Ring, error) {
	keys, err := masterKey(cfg.store)
	errs := []error{err, cfg.store.Check(), cfg.delivery.Check(), cfg.retention.Check(), cfg.metrics.Check()}
	if cfg.api != nil {
		errs = append(errs, cfg.api.CheckGuarded())
	}
	if cfg.engine != nil {
		errs = append(errs, cfg.engine.Check())
	}
	return keys, errors.Join(errs...)
}

func (cfg nodeConfig) start(ctx context.Context, n *node) error {
	keys, err := cfg.check()
	if err != nil {
		return err
	}
	if cfg.api != nil {
		if err := n.listen(cfg.api.Listen); err != nil {
			return err
		}
	}
	if err := n.listenMetrics(cfg.metrics); err != nil {
		return err
	}
	n.countTenants(cfg.metrics)
	if err := n.startTraces(ctx); err != nil {
		return err
	}
	if err := n.openStore(ctx, cfg.store, keys); err != nil {
		return err
	}
	if cfg.store.DatabaseURL == "" {
		n.registry.MustRegister(disk{cfg.store.Data})
	}
	if cfg.engine != nil {
		if err := n.startEngine(ctx, *cfg.engine, cfg.engineStore()); err != nil {
			return err
		}
	}
	return cfg.startHouse(ctx, n)
}

// startHouse starts the parts that need store and engine.
func (cfg nodeConfig) startHouse(ctx context.Context, n *node) error {
	if err := n.connect(ctx); err != nil {
		return err
	}
	if err := n.openSender(cfg.delivery); err != nil {
		return err
	}
	if cfg.worker {
		if err := n.startWorker(cfg.delivery); err != nil {
			return err
		}
	}
	n.startDispatcher(cfg.delivery, cfg.retention)
	if err := n.serveMetrics(cfg.metrics); err != nil {
		return err
	}
	if cfg.api == nil {
		return nil
	}
	return n.serve(*cfg.api, cmp.Or(cfg.links.UIURL, n.uiURL()))
}

// engineStore returns the store of Temporal's state, which is beside ours.
func (cfg nodeConfig) engineStore() engine.Store {
	if cfg.store.DatabaseURL != "" {
		return engine.Postgres(cfg.store.DatabaseURL)
	}
	return engine.SQLite(cfg.store.Data)
}

// report logs the parts that are up.
func (cfg nodeConfig) report(n *node) {
	args := []any{"parts", cfg.parts(), "version", version(), "temporal", n.address, "namespace", n.namespace}
	if cfg.api != nil {
		args = append(args, "api", n.apiURL())
	}
	if n.metricsListener != nil {
		args = append(args, "metrics", n.metricsURL())
	}
	if n.engine != nil {
		args = append(args, "ui", n.uiURL())
	}
	n.log.Info(startedMessage, args...)
}

func (cfg nodeConfig) parts() string {
	switch {
	case cfg.api == nil:
		return "worker"
	case !cfg.worker:
		return "API"
	default:
		return "API and worker"
	}
}
