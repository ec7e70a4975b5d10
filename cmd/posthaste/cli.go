package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc/grpclog"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/logs"
)

// streams holds the program's input and outputs: out is for results, err is for messages.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// cli is the grammar of the command line.
type cli struct {
	config.Log `group:"Logging"`
	Config     kong.ConfigFlag  `placeholder:"FILE" help:"YAML file with settings, named like the long flags. The environment and flags override it."`
	ShowNumber kong.VersionFlag `name:"version" help:"Print the version."`

	Dev     devCmd     `cmd:"" help:"Run everything in this process for development, with nothing to install: API, worker, Temporal and its Web UI."`
	Server  serverCmd  `cmd:"" help:"Run API and worker, with an embedded or an external Temporal."`
	API     apiCmd     `cmd:"" name:"api" help:"Run only the API, with an external Temporal."`
	Worker  workerCmd  `cmd:"" help:"Run only a worker, with an external Temporal."`
	Migrate migrateCmd `cmd:"" help:"Apply database migrations, or list them."`
	Keys    keysCmd    `cmd:"" help:"Create a master key, or replace one."`
	Health  healthCmd  `cmd:"" help:"Check whether the API of this machine is ready, as the health check of a container."`

	Publish       publishCmd       `cmd:"" group:"Operate" help:"Publish an event."`
	Subscriptions subscriptionsCmd `cmd:"" group:"Operate" help:"Manage subscriptions: create, pause, resume, rotate secrets …"`
	Events        eventsCmd        `cmd:"" group:"Operate" help:"Manage events: list, cancel, redeliver."`
	Deliveries    deliveriesCmd    `cmd:"" group:"Operate" help:"Manage deliveries: list, cancel, redeliver, follow live …"`
	Tenants       tenantsCmd       `cmd:"" group:"Operate" help:"Manage tenants: cancel all waiting deliveries."`
	Recover       recoverCmd       `cmd:"" group:"Operate" help:"Redeliver the events that a subscription missed."`
	Sources       sourcesCmd       `cmd:"" group:"Operate" help:"Manage sources, which receive the webhooks of other systems."`
	Providers     providersCmd     `cmd:"" group:"Operate" help:"List the providers whose webhooks a source can receive, and their settings."`
	Audit         auditCmd         `cmd:"" group:"Operate" help:"List the actions of operators."`
	Replay        replayCmd        `cmd:"" group:"Operate" help:"Replay workflow histories with this version before an upgrade."`

	Bench         benchCmd         `cmd:"" help:"Measure how fast deliveries are, at what cost, and whether any is lost."`
	BenchReceiver benchReceiverCmd `cmd:"" hidden:""`
	BenchServer   benchServerCmd   `cmd:"" hidden:""`
	BenchFloor    benchFloorCmd    `cmd:"" hidden:""`

	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
	Help       helpCmd       `cmd:"" help:"List the commands, or show the help of one: posthaste help deliveries list."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// run parses and runs one command line and returns the exit code: 0, or another code after one line that describes the
// error. An empty command line prints the help and is an error: a script or a container that lost its command must notice.
func run(ctx context.Context, args []string, s streams) (code int) {
	if len(args) == 0 {
		run(ctx, []string{"--help"}, streams{in: s.in, out: s.err, err: s.err})
		return codeUsage
	}
	var c cli
	parser, err := newParser(&c, s)
	if err != nil {
		return fail(s, err)
	}
	defer func() { // kong asks to exit after it has printed the help
		switch v := recover().(type) {
		case nil:
		case exitCode:
			code = int(v)
		default:
			panic(v)
		}
	}()
	command, err := parser.Parse(args)
	if err != nil {
		return fail(s, misused(config.Hide(err)))
	}
	command.BindTo(ctx, (*context.Context)(nil))
	log := newLogger(c.Log, s.err)
	err = command.Run(s, c.Log, log)
	if err == nil || serves(command.Selected()) && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 0 // the latter was stopped while it was starting
	}
	if serves(command.Selected()) && c.Format == config.FormatJSON {
		log.Error("posthaste ended", "error", plain(err))
		return codeOf(err)
	}
	return fail(s, err)
}

// serves reports whether a command runs until it is stopped. Any other command that is stopped has not done its work.
func serves(command *kong.Node) bool {
	return slices.Contains([]string{"dev", "server", "api", "worker"}, command.Name)
}

// exitCode is a panic value that carries kong's exit code up to run.
type exitCode int

func newParser(c *cli, s streams) (*kong.Kong, error) {
	files := &config.Files{}
	return kong.New(c,
		kong.Bind(files),
		kong.Name("posthaste"),
		kong.Description("Posthaste delivers webhooks durably: each event a Temporal workflow, each delivery signed, retried and on record.\n\nStart with: posthaste dev --demo\n\n"+exitHelp),
		kong.Configuration(files.YAML),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(readDuration)),
		kong.Vars{"version": "posthaste " + version()},
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
	)
}

// fail prints an error and returns the exit code for it.
func fail(s streams, err error) int {
	complain(s, err)
	return codeOf(err)
}

// complain prints an error as one line.
func complain(s streams, err error) { fmt.Fprintln(s.err, "posthaste:", plain(err)) }

// plain returns an error as one line, without the prefix that package client puts before each of its errors.
func plain(err error) string {
	text := config.Hide(err).Error()
	if problem, ok := errors.AsType[*client.Error](err); ok {
		text = strings.ReplaceAll(text, problem.Error(), explain(problem))
	}
	return printable(strings.ReplaceAll(strings.ReplaceAll(text, "\n", "; "), "posthaste: ", ""))
}

func newLogger(l config.Log, w io.Writer) *slog.Logger {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) // gRPC would write lines of its own beside the log
	return slog.New(logs.New(w, l.Format == config.FormatJSON, l.Level))
}
