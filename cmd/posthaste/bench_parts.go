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

	temporal "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
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
type serverUp struct{ API, Temporal string }

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
	up := serverUp{API: n.apiURL()}
	if n.engine != nil {
		up.Temporal = n.engine.Address()
	}
	if err := json.NewEncoder(s.Out).Encode(up); err != nil {
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

// benchFloorCmd measures the embedded engine alone, in its own process, and prints the results.
type benchFloorCmd struct {
	config.Store

	Naive    bool          `name:"naive"`
	Mode     string        `name:"delivery-mode"`
	Events   int           `name:"events"`
	Fanout   []int         `name:"fanout"`
	Duration time.Duration `name:"duration"`
	Patience time.Duration `name:"patience"`
	Settle   time.Duration `name:"settle"`
}

// floorSays is a line of output: the progress, many times, and at last the results.
type floorSays struct {
	What        string
	Done, Total int
	Results     []bench.Result
}

// Run implements the command.
func (c *benchFloorCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) (err error) {
	endWithParent(s.In)
	e, err := c.startEngine(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Stop(context.WithoutCancel(ctx))) }()
	client, err := c.connect(ctx, e, log)
	if err != nil {
		return err
	}
	defer client.Close()
	says := json.NewEncoder(s.Out)
	results, err := bench.Floor(ctx, bench.FloorOptions{
		Temporal: client, Naive: c.Naive, Inline: models.DeliveryMode(c.Mode) == models.ModeInline, Events: c.Events, Fanout: c.Fanout,
		Duration: c.Duration, Patience: c.Patience, Settle: c.Settle,
		Progress: func(what string, done, total int) {
			_ = says.Encode(floorSays{What: what, Done: done, Total: total}) // nobody needs to hear it
		},
	})
	if err != nil {
		return err
	}
	return says.Encode(floorSays{Results: results})
}

// floorNamespace keeps the engine's measurements away from what servers left in the same database.
const floorNamespace = "posthaste-bench"

func (c *benchFloorCmd) startEngine(ctx context.Context, log *slog.Logger) (*engine.Engine, error) {
	if !c.Naive {
		spendMemory()
		limitMemory(log)
	}
	return engine.Start(ctx, engine.Options{
		Listen: "127.0.0.1:0", Store: nodeConfig{store: c.Store}.engineStore(), Namespace: floorNamespace,
		SearchAttributes: workflows.SearchAttributes(), Logger: log, Untuned: c.Naive,
	})
}

// connect makes the client, with our settings or without.
func (c *benchFloorCmd) connect(ctx context.Context, e *engine.Engine, log *slog.Logger) (temporal.Client, error) {
	options := temporal.Options{
		HostPort: e.Address(), Namespace: floorNamespace, Logger: sdklog.NewStructuredLogger(slog.New(quieter{log.Handler()})),
	}
	if !c.Naive {
		options.ConnectionOptions.GrpcCompression = &temporal.GrpcCompressionNone{}
	}
	return temporal.DialContext(ctx, options)
}
