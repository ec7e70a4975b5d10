package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/engine"
)

// devCmd runs everything in one process.
type devCmd struct {
	config.API      `group:"API"`
	config.Store    `group:"Storage"`
	config.Delivery `group:"Delivery"`
	config.Engine   `group:"Embedded Temporal"`

	Demo bool `help:"Register a small receiver, publish a sample event to it and show what arrives."`
}

// Help is the long help of the command.
func (devCmd) Help() string {
	return "Listens on this machine only, and asks for a key only if you set one. All state is in the data folder and survives a restart."
}

// Run implements the command.
func (c *devCmd) Run(ctx context.Context, s streams, log *slog.Logger) error {
	if err := errors.Join(c.CheckLoopback(), c.Engine.Check()); err != nil {
		return err
	}
	n := newNode(log)
	if err := c.start(ctx, n); err != nil {
		return errors.Join(err, n.stop())
	}
	printBanner(s.out, n, c.Data)
	if c.Demo {
		if err := n.startDemo(s.out, c.APIKey); err != nil {
			return errors.Join(err, n.stop())
		}
	}
	return n.finish(ctx, s)
}

// loopback is what dev may deliver to besides public addresses: receivers on this machine.
var loopback = []string{"127.0.0.0/8", "::1"}

func (c *devCmd) start(ctx context.Context, n *node) error {
	if err := n.listen(c.Listen); err != nil {
		return err
	}
	keys, err := devMasterKey(c.Store)
	if err != nil {
		return err
	}
	if err := n.openStore(ctx, c.Store, keys, true); err != nil {
		return err
	}
	if err := n.startEngine(ctx, c.Engine, engine.SQLite(c.Data)); err != nil {
		return err
	}
	if err := n.connect(); err != nil {
		return err
	}
	c.AllowNetworks = slices.Concat(loopback, c.AllowNetworks)
	if err := n.openSender(c.Delivery); err != nil {
		return err
	}
	if err := n.startWorker(c.Delivery); err != nil {
		return err
	}
	n.startDispatcher(c.Delivery)
	return n.serve(c.API, n.uiURL())
}
