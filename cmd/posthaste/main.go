// Command posthaste delivers webhooks durably. It is the one place that knows all packages, wires them up and stops them
// in the right order. Run posthaste --help for its commands.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/posthaste/posthaste/internal/terminal"
)

func main() {
	log.SetOutput(io.Discard) // net/http writes text of strangers there; our own messages go to slog
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process the hard way
	os.Exit(run(ctx, os.Args[1:], terminal.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
