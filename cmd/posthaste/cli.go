package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc/grpclog"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/logs"
	"github.com/posthaste/posthaste/internal/operator"
	"github.com/posthaste/posthaste/internal/terminal"
)

// cli is the grammar of the command line.
type cli struct {
	config.Log `group:"Logging"`
	Config     kong.ConfigFlag  `placeholder:"FILE" help:"YAML file with settings, named like the long flags. The environment and flags override it."`
	ShowNumber kong.VersionFlag `name:"version" help:"Print the version."`

	Dev       devCmd       `cmd:"" help:"Run everything in this process for development, with nothing to install: API, worker, Temporal and its Web UI."`
	Server    serverCmd    `cmd:"" help:"Run API and worker, with an embedded or an external Temporal."`
	API       apiCmd       `cmd:"" name:"api" help:"Run only the API, with an external Temporal."`
	Worker    workerCmd    `cmd:"" help:"Run only a worker, with an external Temporal."`
	Migrate   migrateCmd   `cmd:"" help:"Apply database migrations, or list them."`
	MasterKey masterKeyCmd `cmd:"" name:"master-key" help:"Create a master key, or replace one."`
	Retain    retentionCmd `cmd:"" name:"retention" help:"Remove data at the end of their retention now, or show how far the removal has come."`
	Health    healthCmd    `cmd:"" help:"Check whether the API of this machine is ready, as the health check of a container."`

	operator.Commands

	Bench         benchCmd         `cmd:"" help:"Measure how fast deliveries are, at what cost, and whether any is lost."`
	BenchReceiver benchReceiverCmd `cmd:"" hidden:""`
	BenchServer   benchServerCmd   `cmd:"" hidden:""`

	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
	Help       helpCmd       `cmd:"" help:"List the commands, or show the help of one: posthaste help deliveries list."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// run parses and runs one command line and returns the exit code: 0, or another code after one line that describes the
// error. An empty command line prints the help and is an error: a script or a container that lost its command must notice.
func run(ctx context.Context, args []string, s terminal.Streams) int {
	if len(args) == 0 {
		run(ctx, []string{"--help"}, terminal.Streams{In: s.In, Out: s.Err, Err: s.Err})
		return terminal.CodeUsage
	}
	var c cli
	parser, err := newParser(&c, s)
	if err != nil {
		return s.Fail(err)
	}
	command, err := terminal.Parse(parser, args)
	if command == nil {
		return s.Fail(err)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	log := newLogger(c.Log, s.Err)
	err = command.Run(s, c.Log, log)
	if serves(command.Selected()) && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 0 // it was stopped while it was starting
	}
	if err != nil && serves(command.Selected()) && c.Format == config.FormatJSON {
		log.Error("process.failed", "error", terminal.Plain(err))
		return terminal.CodeOf(err)
	}
	return s.Fail(err)
}

// serves reports whether a command runs until it is stopped. Any other command that is stopped has not done its work.
func serves(command *kong.Node) bool {
	return slices.Contains([]string{"dev", "server", "api", "worker"}, command.Name)
}

func newParser(c *cli, s terminal.Streams) (*kong.Kong, error) {
	files := &config.Files{}
	return terminal.Parser(c, s,
		kong.Bind(files),
		kong.Description("Posthaste delivers webhooks durably: each event a Temporal workflow, each delivery signed, retried and on record.\n\nStart with: posthaste dev --demo\n\n"+terminal.ExitHelp),
		kong.Configuration(files.YAML),
		kong.Vars{"version": "posthaste " + version()},
	)
}

func newLogger(l config.Log, w io.Writer) *slog.Logger {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) // gRPC would write lines of its own beside the log
	return slog.New(logs.New(w, l.Format == config.FormatJSON, l.Level))
}
