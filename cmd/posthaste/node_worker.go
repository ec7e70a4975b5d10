package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// prepareTimeout bounds one try to reach Temporal and prepare its namespace.
const prepareTimeout = 15 * time.Second

// work runs a worker until ctx ends. It starts as soon as Temporal can be reached, however long that takes, and finishes
// the attempts under way before it stops.
func (n *node) work(ctx context.Context, acts *activities.Activities) {
	w, err := backoff.Retry(ctx, func() (sdkworker.Worker, error) { return n.newWorker(ctx, acts) },
		backoff.WithMaxElapsedTime(0), backoff.WithBackOff(reconnect()), backoff.WithNotify(n.reportAway()))
	if err != nil {
		return // ctx ended first
	}
	<-ctx.Done()
	w.Stop()
	activities.Wait(acts)
}

// newWorker starts a worker. A worker that failed to start cannot be started again, so each try makes a new one.
func (n *node) newWorker(ctx context.Context, acts *activities.Activities) (sdkworker.Worker, error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	if n.engine == nil { // the embedded Temporal has prepared its own
		if err := worker.PrepareNamespace(ctx, n.temporal, n.namespace); err != nil {
			return nil, err
		}
	}
	if err := n.binding.check(ctx); err != nil {
		return nil, err
	}
	w := worker.New(n.temporal, workflows.TaskQueue, acts, n.fail)
	return w, w.Start()
}

func reconnect() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.MaxInterval = 5 * time.Second
	return b
}

// reportAway warns once that Temporal cannot be reached.
func (n *node) reportAway() backoff.Notify {
	reported := false
	return func(err error, _ time.Duration) {
		level := slog.LevelDebug
		if !reported {
			level, reported = slog.LevelWarn, true
		}
		n.log.Log(context.Background(), level, "worker.waiting", "temporal", n.address, "error", err,
			"hint", "it starts as soon as Temporal answers")
	}
}

// quieter limits the log of Temporal's client to warnings and errors.
type quieter struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }
