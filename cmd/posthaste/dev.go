package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/terminal"
)

// devCmd runs everything in one process.
type devCmd struct {
	config.API       `group:"API"`
	config.DevStore  `group:"Storage"`
	config.Delivery  `group:"Delivery"`
	config.Retention `group:"Retention"`
	config.Engine    `group:"Embedded Temporal"`
	config.Metrics   `group:"Metrics"`

	Demo bool `help:"Start a small receiver, publish a sample event and show the request that arrives."`
}

// Help is the long help of the command.
func (devCmd) Help() string {
	return "Listens on this machine only, and asks for a key only if you set one (POSTHASTE_API_KEY). All state is in the data folder and survives a restart; with --database-url, events and deliveries are in that Postgres, and the data folder holds Temporal's part. Settings for servers (POSTHASTE_DATABASE_URL, TEMPORAL_ADDRESS and Temporal's profiles) are ignored."
}

// Run implements the command.
func (c *devCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger, how config.Log, files *config.Files) error {
	if err := errors.Join(c.CheckLoopback(), c.store().Check(), c.Delivery.Check(), c.Retention.Check(), c.Metrics.Check(), c.Engine.Check()); err != nil {
		return err
	}
	c.reportIgnored(log, files.Ignored)
	n := newNode(log)
	if err := c.start(ctx, n); err != nil {
		return errors.Join(err, n.stop())
	}
	c.report(s, n, how)
	if c.Demo {
		if err := n.startDemo(s.Out, c.APIKey); err != nil {
			return errors.Join(err, n.stop())
		}
	}
	return n.finish(ctx, func() { reportStop(s, n, how) })
}

// report says that dev is up: by a banner with the next steps, or in the log where that is JSON.
func (c *devCmd) report(s terminal.Streams, n *node, how config.Log) {
	if how.Format != config.FormatJSON {
		printBanner(s.Out, n, c)
		return
	}
	args := []any{"parts", "dev", "version", version(), "api", n.apiURL(), "ui", n.uiURL(), "temporal", n.address, "namespace", n.namespace, "data", c.Data}
	if c.DatabaseURL != "" {
		args = append(args, "database", databaseName(c.DatabaseURL))
	}
	if n.metricsListener != nil {
		args = append(args, "metrics", n.metricsURL())
	}
	n.log.Info(startedMessage, args...)
}

func reportStop(s terminal.Streams, n *node, how config.Log) {
	if how.Format == config.FormatJSON {
		logStop(n.log)
		return
	}
	fmt.Fprintln(s.Err, "Stopping; attempts under way are finished first. Press Ctrl-C again to stop at once.")
}

// loopback lists the addresses to which dev may deliver besides public ones: receivers on this machine.
var loopback = []string{"127.0.0.0/8", "::1"}

func (c *devCmd) store() config.Store { return config.Store(c.DevStore) }

// reportIgnored logs in one line the settings that dev ignores: the operator who set them may think that they act.
func (c *devCmd) reportIgnored(log *slog.Logger, inFile []string) {
	ignored := config.ServerSettings()
	for _, name := range inFile {
		ignored = append(ignored, name+" in the settings file")
	}
	if c.DatabaseURL != "" { // the command line names a database, so only Temporal's variables are ignored
		ignored = slices.DeleteFunc(ignored, func(name string) bool { return !strings.HasPrefix(name, "TEMPORAL_") })
	}
	if len(ignored) > 0 {
		log.Warn("dev.settings_ignored", "ignored", strings.Join(ignored, ", "),
			"hint", "dev keeps to itself; --database-url names a Postgres for it")
	}
}

func (c *devCmd) start(ctx context.Context, n *node) error {
	if err := n.listen(c.Listen); err != nil {
		return err
	}
	if err := n.listenMetrics(c.Metrics); err != nil {
		return err
	}
	keys, err := devMasterKey(c.store())
	if err != nil {
		return err
	}
	if err := n.startTraces(ctx); err != nil {
		return err
	}
	n.countTenants(c.Metrics)
	n.registry.MustRegister(disk{c.Data})
	// The engine starts first, because it locks the data folder: nobody may migrate the database of a running server.
	if err := n.startEngine(ctx, c.Engine, engine.SQLite(c.Data)); err != nil {
		return err
	}
	if err := n.openDevStore(ctx, c.store(), keys); err != nil {
		return err
	}
	if err := n.connect(ctx); err != nil {
		return err
	}
	c.AllowNetworks = slices.Concat(loopback, c.AllowNetworks)
	if err := n.openSender(c.Delivery); err != nil {
		return err
	}
	if err := n.startWorker(c.Delivery); err != nil {
		return err
	}
	n.startDispatcher(c.Delivery, c.Retention)
	if err := n.serveMetrics(c.Metrics); err != nil {
		return err
	}
	return n.serve(c.API, n.uiURL())
}
