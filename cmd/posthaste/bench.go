package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/terminal"
)

// The two stores of benchCmd.
const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"
)

// benchCmd measures a server.
type benchCmd struct {
	Scenarios []string `arg:"" optional:"" name:"scenario" enum:"ingest,throughput,fanout,latency,retry-storm,isolation,large,burst,growth,retention" help:"Scenarios to measure: ingest, throughput, fanout, latency, retry-storm, isolation, large, burst, growth or retention (default: all but the last two, which fill the database with millions of events)."`

	// There is no POSTHASTE_URL for it: who has that set for other commands does not want to flood that server.
	URL       string `name:"url" group:"Server" placeholder:"URL" help:"Server to measure. It must be allowed to deliver to the receiver. Without this flag, bench starts a server and stops it afterwards."`
	APIKey    string `name:"api-key" group:"Server" env:"POSTHASTE_API_KEY" placeholder:"KEY" help:"API key of the server at --url."`
	ServerPID int    `name:"server-pid" group:"Server" placeholder:"PID" help:"Process of the server at --url on this machine, to measure its CPU and disk use."`
	Receiver  string `name:"receiver" group:"Server" default:"127.0.0.1:0" placeholder:"ADDR" help:"Address on which the receiver listens; the server must be able to reach it (default ${default})."`

	Engine      string `name:"engine" group:"Server" enum:"embedded,external" default:"embedded" help:"Temporal for the started server: embedded (the default), or external: the Temporal at TEMPORAL_ADDRESS."`
	Store       string `name:"store" group:"Server" enum:"sqlite,postgres" default:"sqlite" help:"Database for the started server: sqlite (the default) or postgres."`
	DatabaseURL string `name:"database-url" group:"Server" env:"POSTHASTE_BENCH_DATABASE_URL" placeholder:"URL" help:"Postgres for --store postgres; the measured events stay in it. With --server-pid: the database of that server, to measure its CPU and disk use."`
	Mode        string `name:"delivery-mode" group:"Server" env:"POSTHASTE_DELIVERY_MODE" enum:"auto,child,inline,grouped" default:"auto" help:"Delivery mode of the started server: auto (the default), child, inline or grouped."`
	Profile     string `name:"profile" group:"Server" placeholder:"FILE" help:"Write a CPU profile of the started server, for go tool pprof."`
	Data        string `name:"data" group:"Server" placeholder:"DIR" help:"Folder for the SQLite files, which are removed afterwards (default: the folder for temporary files, which may be in memory)."`

	Runs int `name:"runs" default:"1" placeholder:"N" help:"Number of runs; prints the medians (default ${default})."`

	Events      int           `name:"events" placeholder:"N" help:"Events in each measurement; for fanout, deliveries; for burst, events of the burst; for retention, old events (default: 200 to 20,000, depending on the scenario)."`
	Waiting     int           `name:"waiting" default:"10000" placeholder:"N" help:"Deliveries of retry-storm (default ${default})."`
	Due         time.Duration `name:"due" placeholder:"DURATION" help:"Time from the start of retry-storm until the retries are due (default: 30s and 60ms for each delivery)."`
	Rest        time.Duration `name:"rest" default:"15s" help:"Time for which retry-storm measures the waiting server (default ${default})."`
	Fanout      []int         `name:"fanout" default:"10,20,100,1000" placeholder:"N,…" help:"Subscribers in fanout (default ${default})."`
	Sizes       []int         `name:"sizes" default:"10000,1000000,5000000" placeholder:"N,…" help:"Stored events at which growth measures, ascending (default ${default})."`
	Subscribers int           `name:"subscribers" default:"1" placeholder:"N" help:"Subscribers of the tenant that burst hits (default ${default})."`
	Calm        time.Duration `name:"calm" default:"10s" help:"Time for which burst publishes slowly before the burst, and after it, and retention before a removal (default ${default})."`
	Rate        float64       `name:"rate" default:"5" placeholder:"N" help:"Events a second in retention, in isolation, which has four subscribers, and of each tenant in burst outside the burst (default ${default})."`
	Timeout     time.Duration `name:"timeout" default:"15s" help:"Timeout of the hanging subscriber in isolation (default ${default})."`
	Concurrency int           `name:"concurrency" default:"16" placeholder:"N" help:"Concurrent calls of the API (default ${default})."`
	Duration    time.Duration `name:"duration" default:"5m" help:"Limit for publishing in each measurement (default ${default})."`
	Patience    time.Duration `name:"patience" default:"30s" help:"Time without an arrival after which missing events count as lost (default ${default})."`
	Settle      time.Duration `name:"settle" default:"2s" help:"Time for which each measurement waits for repeated arrivals (default ${default})."`

	Output string `name:"output" short:"o" enum:"table,json" default:"table" help:"Output format: table or json."`
}

// Help is the long help of the command.
func (benchCmd) Help() string {
	return "Publishes events in its own tenants, counts the requests at its own receiver, and prints speed, cost, lost events and repeated events. Lost or repeated events end it with exit code 1. Run nothing else on the machine meanwhile. docs/performance.md describes each scenario."
}

// Validate is called by kong.
func (c *benchCmd) Validate() error {
	switch {
	case c.Runs < 1 || c.Concurrency < 1 || c.Events < 0 || c.Waiting < 1 || c.Subscribers < 1 || !(c.Rate > 0): // NaN is not above
		return errors.New("--runs, --concurrency, --waiting, --subscribers and --rate must be above 0, and --events must not be negative")
	case min(c.Rest, c.Calm, c.Timeout, c.Duration, c.Patience, c.Settle) <= 0 || c.Due < 0:
		return errors.New("--rest, --calm, --timeout, --duration, --patience and --settle must be above 0, and --due must not be negative")
	case c.URL != "" && (c.Engine != engineEmbedded || c.Store != storeSQLite || c.Data != ""):
		return errors.New("--engine, --store and --data are for a server that bench starts: do not use them with --url")
	case c.URL == "" && c.ServerPID != 0 || c.ServerPID < 0:
		return errors.New("--server-pid needs --url: it is the process of that server")
	case c.Store == storePostgres && c.DatabaseURL == "":
		return errors.New("--store postgres needs --database-url")
	case c.Profile != "" && (c.URL != "" || c.Runs > 1):
		return errors.New("--profile needs a server that bench starts for a single run: do not use it with --url or --runs")
	}
	for flag, numbers := range map[string][]int{"--fanout": c.Fanout, "--sizes": c.Sizes} {
		if n := slices.Min(numbers); n < 1 {
			return fmt.Errorf("%s %d is below 1", flag, n)
		}
	}
	return errors.Join(c.validateGrowth(), c.validateRetention())
}

func (c *benchCmd) validateRetention() error {
	if slices.Contains(c.Scenarios, bench.Retention) && (c.URL != "" || c.Runs > 1) {
		return errors.New("retention fills the database of a server that bench starts, once: it goes neither with --url nor with --runs")
	}
	return nil
}

func (c *benchCmd) validateGrowth() error {
	if slices.Contains(c.Scenarios, bench.Growth) && (c.URL != "" || c.Store != storePostgres || c.Runs > 1) {
		return errors.New("growth fills the database of a server that bench starts, once: it needs --store postgres, and goes neither with --url nor with --runs")
	}
	if !slices.IsSorted(c.Sizes) {
		return errors.New("--sizes must ascend: growth only adds events")
	}
	return nil
}

// Run implements the command.
func (c *benchCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	b := benchRun{benchCmd: c, log: log, masterKey: keyring.New(), progress: &benchProgress{w: s.Err}}
	var err error
	if c.DatabaseURL != "" && (c.Store == storePostgres || c.ServerPID != 0) {
		if b.postgres, err = bench.FindPostgres(ctx, c.DatabaseURL); err != nil {
			return fmt.Errorf("--database-url: %w", err)
		}
	}
	var runs [][]bench.Result
	for range c.Runs {
		results, err := b.measure(ctx)
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
		"rate": c.Rate, "timeout": c.Timeout.String(), "waiting": c.Waiting, "rest": c.Rest.String(), "calm": c.Calm.String(), "subscribers": c.Subscribers, "settle": c.Settle.String(),
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
