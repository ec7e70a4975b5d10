package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/keyring"
)

// The two stores of benchCmd.
const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"
)

// benchCmd measures a server.
type benchCmd struct {
	Scenarios []string `arg:"" optional:"" name:"scenario" enum:"ingest,throughput,fanout,latency,retry-storm,isolation,large" help:"What to measure: ingest, throughput, fanout, latency, retry-storm, isolation or large (default: all)."`

	// There is no POSTHASTE_URL for it: who has that set for other commands does not want to flood that server.
	URL       string `name:"url" group:"Server" placeholder:"URL" help:"Server to measure. It must be allowed to deliver to the receiver. Without it, one is started, and stopped afterwards."`
	APIKey    string `name:"api-key" group:"Server" env:"POSTHASTE_API_KEY" placeholder:"KEY" help:"API key of the server at --url."`
	ServerPID int    `name:"server-pid" group:"Server" placeholder:"PID" help:"Process of the server at --url on this machine, to measure what it uses."`
	Receiver  string `name:"receiver" group:"Server" default:"127.0.0.1:0" placeholder:"ADDR" help:"Where the receiver listens, an address by which the server reaches it (default ${default})."`

	Engine      string `name:"engine" group:"Server" enum:"embedded,external" default:"embedded" help:"Temporal of the server that is started: embedded (the default), or the one that TEMPORAL_ADDRESS names."`
	Store       string `name:"store" group:"Server" enum:"sqlite,postgres" default:"sqlite" help:"Database of the server that is started: sqlite (the default) or postgres."`
	DatabaseURL string `name:"database-url" group:"Server" env:"POSTHASTE_BENCH_DATABASE_URL" placeholder:"URL" help:"Postgres for --store postgres; what is measured stays in it. With --server-pid: the database of that server, to measure what it uses."`
	Mode        string `name:"delivery-mode" group:"Server" env:"POSTHASTE_DELIVERY_MODE" enum:"child,inline" default:"child" help:"Delivery mode of the server that is started, and shape of the floor: child (the default) or inline."`
	Profile     string `name:"profile" group:"Server" placeholder:"FILE" help:"Write a CPU profile of the server that is started, for go tool pprof."`
	Data        string `name:"data" group:"Server" placeholder:"DIR" help:"Folder in which the files of SQLite are made, and removed afterwards (default: that for temporary files, which may be memory)."`

	Floor bool `name:"floor" help:"Measure also the engine alone: the same workflows with activities that do nothing."`
	Naive bool `name:"naive" help:"Measure also a first sketch on Temporal with all settings untouched."`
	Runs  int  `name:"runs" default:"1" placeholder:"N" help:"How often to measure all; what is printed are medians (default ${default})."`

	Events      int           `name:"events" placeholder:"N" help:"Events of each measurement, for fanout deliveries (default: the scenario's own, 200 to 10,000)."`
	Waiting     int           `name:"waiting" default:"10000" placeholder:"N" help:"Deliveries of retry-storm (default ${default})."`
	Due         time.Duration `name:"due" placeholder:"DURATION" help:"How long after its start the retries of retry-storm come due (default: 30s and 60ms for each delivery)."`
	Rest        time.Duration `name:"rest" default:"15s" help:"How long retry-storm watches the server wait (default ${default})."`
	Fanout      []int         `name:"fanout" default:"10,20,100,1000" placeholder:"N,…" help:"Subscribers in fanout (default ${default})."`
	Rate        float64       `name:"rate" default:"5" placeholder:"N" help:"Events a second in isolation, which has four subscribers (default ${default})."`
	Timeout     time.Duration `name:"timeout" default:"15s" help:"Timeout of the subscriber that hangs in isolation (default ${default})."`
	Concurrency int           `name:"concurrency" default:"16" placeholder:"N" help:"Calls of the API at once (default ${default})."`
	Duration    time.Duration `name:"duration" default:"5m" help:"Time after which no measurement publishes any more (default ${default})."`
	Patience    time.Duration `name:"patience" default:"30s" help:"How long nothing may arrive before what is missing is lost (default ${default})."`
	Settle      time.Duration `name:"settle" default:"2s" help:"How long each measurement waits for what may come twice (default ${default})."`

	Output string `name:"output" short:"o" enum:"table,json" default:"table" help:"Form of what is printed: table or json."`
}

// Help is the long help of the command.
func (benchCmd) Help() string {
	return "Publishes events of tenants of its own, counts what arrives at a receiver of its own, and says how fast that was, what it cost, what was lost and what came twice: either ends it with exit code 1. Give the machine nothing else to do meanwhile. docs/performance.md says what each scenario measures."
}

// Validate is called by kong.
func (c *benchCmd) Validate() error {
	alone := c.Floor || c.Naive
	switch {
	case c.Runs < 1 || c.Concurrency < 1 || c.Events < 0 || c.Waiting < 1 || !(c.Rate > 0): // NaN is not above
		return errors.New("--runs, --concurrency, --waiting and --rate must be above 0, and --events not below")
	case min(c.Rest, c.Timeout, c.Duration, c.Patience, c.Settle) <= 0 || c.Due < 0:
		return errors.New("--rest, --timeout, --duration, --patience and --settle must be above 0, and --due not below")
	case c.URL != "" && (c.Engine != engineEmbedded || c.Store != storeSQLite || c.Data != ""):
		return errors.New("--engine, --store and --data are of a server that is started: they do not go with --url")
	case c.URL == "" && c.ServerPID != 0 || c.ServerPID < 0:
		return errors.New("--server-pid is the process of the server at --url")
	case c.Store == storePostgres && c.DatabaseURL == "":
		return errors.New("--store postgres needs --database-url")
	case c.Profile != "" && (c.URL != "" || c.Runs > 1):
		return errors.New("--profile is of the server that one run starts: it goes with neither --url nor --runs")
	case alone && (c.URL != "" || c.Engine != engineEmbedded):
		return errors.New("--floor and --naive measure the embedded Temporal: they go with neither --url nor --engine external")
	}
	for _, n := range c.Fanout {
		if n < 1 {
			return fmt.Errorf("--fanout %d is below 1", n)
		}
	}
	return nil
}

// Run implements the command.
func (c *benchCmd) Run(ctx context.Context, s streams, log *slog.Logger) error {
	b := benchRun{benchCmd: c, log: log, masterKey: keyring.New(), progress: &benchProgress{w: s.err}}
	var err error
	if c.DatabaseURL != "" && (c.Store == storePostgres || c.ServerPID != 0) {
		if b.postgres, err = bench.FindPostgres(ctx, c.DatabaseURL); err != nil {
			return fmt.Errorf("--database-url: %w", err)
		}
	}
	var runs [][]bench.Result
	for range c.Runs {
		results, err := b.once(ctx)
		b.progress.clear()
		if err != nil {
			return err
		}
		runs = append(runs, results)
	}
	report := bench.Report{
		Machine: bench.ThisMachine(), Versions: b.versions(), Settings: c.settings(), Runs: c.Runs, Results: bench.Combine(runs),
	}
	return errors.Join(report.Check(), c.print(s, report))
}

func (b *benchRun) versions() map[string]string {
	versions := bench.Versions()
	versions["posthaste"] = version()
	if b.postgres.Version != "" {
		versions["postgres"] = b.postgres.Version
	}
	return versions
}

// settings lists the settings that may explain the numbers.
func (c *benchCmd) settings() map[string]any {
	settings := map[string]any{
		"engine": c.Engine, "store": c.Store, "delivery_mode": c.Mode, "concurrency": c.Concurrency, "duration": c.Duration.String(), "patience": c.Patience.String(),
		"rate": c.Rate, "timeout": c.Timeout.String(), "waiting": c.Waiting, "rest": c.Rest.String(), "settle": c.Settle.String(),
	}
	if c.URL != "" {
		for _, own := range []string{"engine", "store", "delivery_mode"} {
			delete(settings, own)
		}
	}
	if c.Events > 0 {
		settings["events"] = c.Events
	}
	return settings
}

// benchRun is a benchmark under way.
type benchRun struct {
	*benchCmd
	log       *slog.Logger
	masterKey string // of all servers that are started: they may share a database
	postgres  bench.Postgres
	progress  *benchProgress
}

// once does one run: the server first, and then, with nothing beside it, the engine alone.
func (b *benchRun) once(ctx context.Context) ([]bench.Result, error) {
	results, err := b.measure(ctx)
	if err != nil {
		return nil, err
	}
	for _, engine := range []struct{ wanted, naive bool }{{b.Floor, false}, {b.Naive, true}} {
		if !engine.wanted {
			continue
		}
		more, err := b.measureEngine(ctx, engine.naive)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	bench.Compare(results)
	return results, nil
}

// engineFanouts lists the fan-outs of the throughput scenarios, each once: the engine is measured with the same ones.
func (b *benchRun) engineFanouts() string {
	var all []int
	if b.wants(bench.Throughput) || !b.wants(bench.Fanout) {
		all = append(all, 1)
	}
	if b.wants(bench.Fanout) {
		all = append(all, b.Fanout...)
	}
	slices.Sort(all)
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(slices.Compact(all))), ","), "[]")
}

func (b *benchRun) wants(scenario string) bool {
	return len(b.Scenarios) == 0 || slices.Contains(b.Scenarios, scenario)
}
