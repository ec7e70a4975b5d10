package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/terminal"
)

// benchReceiverCmd is the receiver of a benchmark, as a process of its own.
type benchReceiverCmd struct {
	Listen string `name:"listen" default:"127.0.0.1:0"`
}

// receiverUp is the line that the receiver prints when it is up.
type receiverUp struct{ Receiver, Control string }

// Run implements the command.
func (c *benchReceiverCmd) Run(ctx context.Context, s terminal.Streams) error {
	endWithParent(s.In)
	r := bench.NewReceiver()
	group, ctx := errgroup.WithContext(ctx)
	var up receiverUp
	var err error
	if up.Receiver, err = serveFor(ctx, group, c.Listen, r); err != nil {
		return err
	}
	if up.Control, err = serveFor(ctx, group, "127.0.0.1:0", r.Control()); err != nil {
		return err
	}
	if err := json.NewEncoder(s.Out).Encode(up); err != nil {
		return err
	}
	return group.Wait()
}

// serveFor serves until ctx ends, in the background, and returns the URL.
func serveFor(ctx context.Context, group *errgroup.Group, address string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody waits for the requests that this cuts off
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return "http://" + listener.Addr().String(), nil
}

// benchServerCmd is a server that a benchmark starts: it migrates its database, and says where it is.
type benchServerCmd struct {
	serverCmd
	CPUProfile string `name:"cpu-profile"`
}

// serverUp is the line that the server prints when it is up.
type serverUp struct{ API string }

// Run implements the command.
func (c *benchServerCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) (err error) {
	endWithParent(s.In)
	cfg := c.node()
	if err := c.migrate(ctx, log); err != nil {
		return err
	}
	profiled, err := profile(c.CPUProfile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profiled()) }()
	n := newNode(log)
	if err := cfg.start(ctx, n); err != nil {
		return errors.Join(err, n.stop())
	}
	if err := json.NewEncoder(s.Out).Encode(serverUp{API: n.apiURL()}); err != nil {
		return errors.Join(err, n.stop())
	}
	return n.finish(ctx, func() {})
}

// profile writes a CPU profile to the file until the returned function is called. Without a file there is none.
func profile(file string) (func() error, error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("--profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

func (c *benchServerCmd) migrate(ctx context.Context, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx)
	return errors.Join(err, db.Close())
}
