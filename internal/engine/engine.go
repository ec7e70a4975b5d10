package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/server/temporal"
)

const (
	// stopTimeout bounds Stop. A healthy server is gone in about a second; left
	// alone, Temporal would wait up to five minutes for each of its services.
	stopTimeout = 30 * time.Second

	// uiStopTimeout is how long Stop waits for the UI's open requests: the UI
	// only reads, and a browser simply asks again.
	uiStopTimeout = time.Second
)

// Engine is a running Temporal server with its Web UI. Its methods may be called
// from any goroutine.
type Engine struct {
	address string
	uiURL   string

	state    transition
	closers  []closer // in the order things were started
	stopOnce sync.Once
	stopErr  error
}

// closer undoes one step of the start.
type closer struct {
	what  string
	close func(context.Context) error
}

// Start opens the store, starts the server and its UI, and returns when the
// namespace is ready for workflows: in about a second on a store that has been
// used before, a few on a new Postgres.
//
// A port that cannot be listened on gives a [*ListenError]. When Start fails,
// everything it had started is stopped again. ctx bounds the start alone; the
// engine lives until Stop.
func Start(ctx context.Context, o Options) (*Engine, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("start temporal: %w", err)
	}
	e := &Engine{}
	if err := e.start(ctx, o.withDefaults()); err != nil {
		// The cause may be that ctx has ended; the cleaning up must happen all the same.
		return nil, errors.Join(fmt.Errorf("start temporal: %w", err), e.Stop(context.WithoutCancel(ctx)))
	}
	e.state.started()
	return e, nil
}

// Address is host:port of the gRPC frontend, for client.Options.HostPort. Where
// the engine listens on all interfaces, it is the loopback address.
func (e *Engine) Address() string { return e.address }

// UIURL is the address of the Web UI, for example http://127.0.0.1:8233, without a
// slash at the end; empty if there is no UI.
func (e *Engine) UIURL() string { return e.uiURL }

// Stop ends the UI, then the server, and returns when both are gone, ctx has
// ended, or 30 seconds have passed, whichever is first. Stop the workers first:
// they cannot report a result once the server is gone. Later calls wait
// for the first one and return its error.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopOnce.Do(func() {
		e.state.stopping()
		ctx, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		var errs []error
		for _, c := range slices.Backward(e.closers) {
			if err := c.close(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", c.what, err))
			}
		}
		e.stopErr = errors.Join(errs...)
	})
	return e.stopErr
}

// start does the work of Start. Each step that succeeds leaves its closer.
func (e *Engine) start(ctx context.Context, o Options) error {
	// Ports first: they are the likeliest failure, and the cheapest to find out.
	ui, err := e.listenUI(o.UIListen)
	if err != nil {
		return err
	}
	ports, err := reservePorts(o.Listen)
	if err != nil {
		return err
	}
	db, err := e.openStore(ctx, o)
	if err != nil {
		return err
	}
	if err := e.startServer(ctx, o, ports, db); err != nil {
		return err
	}
	e.address = ports.frontendAddress()
	if err := readyNamespace(ctx, e.address, o); err != nil {
		return fmt.Errorf("namespace %s: %w", o.Namespace, err)
	}
	if ui == nil {
		return nil
	}
	return e.serveUI(ui, o)
}

// openStore makes the database ready and creates the namespace in it.
func (e *Engine) openStore(ctx context.Context, o Options) (*database, error) {
	db, err := o.Store.open(ctx, o.Logger)
	if err != nil {
		return nil, err
	}
	e.onStop("store", func(context.Context) error { return db.close() })
	return db, createNamespace(db, o)
}

// startServer starts Temporal. The library takes no context: a start under way
// cannot be cut short, only undone, and it bounds itself to a minute.
func (e *Engine) startServer(ctx context.Context, o Options, p *ports, db *database) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	log := newLogger(o.Logger, o.LogLevel, &e.state)
	server, err := temporal.NewServer(serverOptions(p, db, log, tuning(o.Untuned), newMetrics(o.Registry))...)
	if err != nil {
		return fmt.Errorf("set up the server: %w", err)
	}
	e.onStop("server", func(ctx context.Context) error { return stopServer(ctx, server) })
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	return nil
}

// stopServer stops Temporal, or stops waiting for it. In the second case the
// goroutine stays until Temporal's own timeouts end it.
func stopServer(ctx context.Context, server temporal.Server) error {
	done := make(chan error, 1)
	go func() { done <- server.Stop() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not finished in time: %w", ctx.Err())
	}
}

func (e *Engine) onStop(what string, f func(context.Context) error) {
	e.closers = append(e.closers, closer{what: what, close: f})
}

// discard is the logger if none was given.
var discard = slog.New(slog.DiscardHandler)
