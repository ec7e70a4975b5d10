package engine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/internal/pgtest"
)

const (
	namespace = "posthaste"
	taskQueue = "posthaste"
	anyPort   = "127.0.0.1:0"

	// patience bounds every wait of a test; nothing should take a tenth of it.
	patience = time.Minute
)

var attributes = []string{"Tenant", "EventType", "EventID", "SubscriptionID", "DeliveryStatus"}

func TestMain(m *testing.M) {
	if folder := os.Getenv(childVariable); folder != "" {
		os.Exit(child(folder))
	}
	pgtest.Main(m)
}

// options are those most tests use, on a store.
func options(store Store, log *logBook) Options {
	return Options{
		Listen: anyPort, Store: store, Namespace: namespace,
		SearchAttributes: attributes, Logger: log.logger(),
	}
}

// start starts an engine for the length of a test.
func start(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, e) })
	return e
}

func stop(t *testing.T, e *Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, e.Stop(ctx))
}

// dial connects to an engine for the length of a test.
func dial(t *testing.T, e *Engine) client.Client {
	t.Helper()
	c, err := dialAddress(e.Address())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func dialAddress(address string) (client.Client, error) {
	return client.Dial(client.Options{
		HostPort: address, Namespace: namespace, Logger: sdklog.NewStructuredLogger(discard),
	})
}

// work runs a worker with the test workflows for the length of a test.
func work(t *testing.T, c client.Client) {
	t.Helper()
	w := newWorker(c)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func newWorker(c client.Client) worker.Worker {
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflow(greet)
	w.RegisterWorkflow(waitAndRetry)
	w.RegisterActivity(failUntilAllowed)
	return w
}

// logBook collects what is logged, and can be written to from all goroutines.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, nil))
}

// runGreet runs the smallest workflow to its end.
func runGreet(t *testing.T, c client.Client, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: taskQueue}, greet, "you")
	require.NoError(t, err)
	var greeting string
	require.NoError(t, run.Get(ctx, &greeting))
	require.Equal(t, fmt.Sprintf("hello, %s", "you"), greeting)
}
