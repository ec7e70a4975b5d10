// Command lab measures Temporal alone, to compare Posthaste with it: events fan out to deliveries whose activities do nothing
// but count. Nothing is stored besides what Temporal stores, and nothing is sent.
//
// The shape floor has Posthaste's workflows, worker and settings of Temporal: the best that this machine can do with them. For
// the delivery modes that group events it has a workflow with one local activity for each group, and nothing else.
// The shape naive is a first sketch by somebody new to Temporal, with all its defaults.
//
//	posthaste bench throughput --events 1000 -o json >posthaste.json
//	go run ./internal/bench/lab floor --events 1000 --compare posthaste.json
//
// It is a tool of the repository and not a part of posthaste bench: it serves those who change Posthaste, not those who
// operate it, and knows the workflows, the activities and the worker.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	temporal "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// The two shapes.
const (
	floor = "floor"
	naive = "naive"
)

// mode is a delivery mode of Posthaste.
type mode models.DeliveryMode

// grouped reports whether several events share a workflow when all are started at once.
func (m mode) grouped() bool { return m == "grouped" || m == "auto" }

// namespace keeps the measurements away from the workflows that servers left in the same database.
const namespace = "posthaste-bench"

// lab is the command line.
type lab struct {
	Shape       string        `arg:"" enum:"floor,naive" help:"Shape to measure: floor or naive."`
	Mode        mode          `name:"delivery-mode" enum:"auto,child,inline,grouped" default:"child" help:"Delivery mode of the floor: child, inline, grouped, or auto, which is grouped here because all events are started at once (default ${default})."`
	Events      int           `name:"events" default:"2000" help:"Deliveries of each measurement (default ${default})."`
	Fanout      []int         `name:"fanout" default:"1" help:"Deliveries of each event, for each measurement (default ${default})."`
	DatabaseURL string        `name:"database-url" env:"POSTHASTE_BENCH_DATABASE_URL" help:"Postgres for Temporal (default: SQLite)."`
	Data        string        `name:"data" help:"Folder for the SQLite files, which are removed afterwards (default: the folder for temporary files, which may be in memory)."`
	Duration    time.Duration `name:"duration" default:"5m" help:"Limit for starting events in each measurement (default ${default})."`
	Patience    time.Duration `name:"patience" default:"30s" help:"Time without a delivery after which missing deliveries count as lost (default ${default})."`
	Settle      time.Duration `name:"settle" default:"2s" help:"Time after the last delivery for the work that events have left behind (default ${default})."`
	Compare     string        `name:"compare" type:"existingfile" help:"Report by posthaste bench -o json, of a run just before this one: prints its throughput beside this one."`
}

// Validate is called by kong.
func (l *lab) Validate() error {
	for _, fanout := range l.Fanout {
		if fanout < 1 {
			return errors.New("--fanout must be above 0")
		}
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var l lab
	command := kong.Parse(&l, kong.Name("lab"))
	command.FatalIfErrorf(l.run(ctx, os.Stdout))
}

func (l *lab) run(ctx context.Context, out io.Writer) (err error) {
	report, err := readReport(l.Compare)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(l.Data, "posthaste-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	e, err := l.startEngine(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Stop(context.WithoutCancel(ctx))) }()
	c, err := l.connect(ctx, e)
	if err != nil {
		return err
	}
	defer c.Close()
	results, err := l.measure(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(l.print(out, results, report), l.check(results))
}

// startEngine starts a Temporal in this process, with our settings or, for the naive shape, without.
func (l *lab) startEngine(ctx context.Context, folder string) (*engine.Engine, error) {
	if l.Shape == floor {
		debug.SetGCPercent(engine.GCPercent)
	}
	state := engine.SQLite(folder)
	if l.DatabaseURL != "" {
		state = engine.Postgres(l.DatabaseURL)
	}
	return engine.Start(ctx, engine.Options{
		Listen: "127.0.0.1:0", Store: state, Namespace: namespace,
		SearchAttributes: workflows.SearchAttributes(), Logger: l.logger(), Untuned: l.Shape == naive,
	})
}

func (l *lab) connect(ctx context.Context, e *engine.Engine) (temporal.Client, error) {
	options := temporal.Options{HostPort: e.Address(), Namespace: namespace, Logger: sdklog.NewStructuredLogger(l.logger())}
	if l.Shape == floor {
		options.ConnectionOptions.GrpcCompression = &temporal.GrpcCompressionNone{}
	}
	return temporal.DialContext(ctx, options)
}

func (l *lab) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}
