package worker_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// limit is how long the tests wait for what takes a moment.
const limit = time.Minute

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a store, and an engine that does what the test says.
type bundle struct {
	*store.Store
	*engine
}

// onBoth runs a test on a new database of either kind.
func onBoth(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for name, options := range map[string]func(*testing.T) store.Options{
		"SQLite":   func(t *testing.T) store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "x.db")} },
		"Postgres": func(t *testing.T) store.Options { return store.Options{DatabaseURL: pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBundle(t, options(t)))
		})
	}
}

func newBundle(t *testing.T, o store.Options) *bundle {
	t.Helper()
	keys, err := keyring.Parse(keyring.New())
	require.NoError(t, err)
	o.Keys = keys
	s, err := store.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	return &bundle{Store: s, engine: &engine{}}
}

// accept stores so many events of the tenant and returns them, oldest first.
func (b *bundle) accept(t *testing.T, tenant string, count int) []*models.Event {
	t.Helper()
	events := make([]*models.Event, count)
	for i := range events {
		events[i] = models.NewEvent(models.Event{Tenant: tenant, Type: "a", Data: []byte(`{}`)}, time.Now())
	}
	for some := range slices.Chunk(events, 1000) {
		_, err := b.CreateEvents(t.Context(), some)
		require.NoError(t, err)
	}
	return events
}

// subscribe makes so many subscriptions to all events of the tenant.
func (b *bundle) subscribe(t *testing.T, tenant string, count int) (last *models.Subscription) {
	t.Helper()
	for range count {
		last = models.NewSubscription(models.Subscription{
			Tenant: tenant, Name: "shop", URL: "https://shop.example/hook", EventTypes: []string{"*"},
			Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
		}, time.Now())
		require.NoError(t, b.CreateSubscription(t.Context(), last))
	}
	return last
}

// plan is what an engine does whose workers keep up, but whose attempts take for ever.
func (b *bundle) plan(id string) error {
	_, err := b.PlanDeliveries(context.Background(), id, nil)
	return err
}

// end closes the deliveries of an event that has been planned.
func (b *bundle) end(id string) error {
	ctx := context.Background()
	deliveries, err := b.Deliveries(ctx, models.DeliveryFilter{EventID: id, Page: models.Page{Limit: models.MaxPageLimit}})
	for _, delivery := range deliveries {
		_, failed := b.ChangeDelivery(ctx, delivery.ID, models.Change{Act: models.ActAbandon})
		err = errors.Join(err, failed)
	}
	return err
}

// dispatch runs a dispatcher until the test ends. What the options leave out is fast.
func (b *bundle) dispatch(t *testing.T, o worker.DispatcherOptions) *worker.Dispatcher {
	t.Helper()
	d := b.dispatcher(o)
	b.run(t, d)
	return d
}

func (b *bundle) dispatcher(o worker.DispatcherOptions) *worker.Dispatcher {
	o.Client, o.Store, o.Logger = b.engine, b.Store, slog.New(slog.DiscardHandler)
	o.Control = worker.NewControl(b.engine, b.Store)
	o.SweepEvery = 20 * time.Millisecond
	o.ReviveEvery, o.JobsEvery = time.Hour, time.Hour
	if o.SweepAfter == 0 {
		o.SweepAfter = time.Nanosecond
	}
	return worker.NewDispatcher(o)
}

func (b *bundle) run(t *testing.T, d *worker.Dispatcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

// engine is a Temporal of which only ExecuteWorkflow works, and that only while it does not fail.
type engine struct {
	client.Client
	mu        sync.Mutex
	begun     []workflows.DeliverEventInput // each event once
	fails     error
	failed    int
	described *workflowservice.DescribeWorkflowExecutionResponse
	ended     bool                  // the workflows of all events ran, and ended well
	onStart   func(id string) error // what becomes of an event
	wrong     []error               // what onStart said
}

// ExecuteWorkflow takes an event that it has already for started, as Temporal does.
func (e *engine) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	in, ok := args[0].(workflows.DeliverEventInput)
	if !ok {
		return nil, fmt.Errorf("an unexpected workflow: %v", args)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := cmp.Or(e.fails, ctx.Err()); err != nil {
		e.failed++
		return nil, err
	}
	if e.ended && o.WorkflowIDReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("it ended", "", "")
	}
	if slices.Contains(e.begun, in) {
		return nil, nil
	}
	e.begun = append(e.begun, in)
	if e.onStart != nil {
		if err := e.onStart(in.EventID); err != nil {
			e.wrong = append(e.wrong, err)
		}
	}
	return nil, nil
}

// DescribeWorkflowExecution says what describe was told, or knows of no workflow.
func (e *engine) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.described != nil {
		return e.described, nil
	}
	return nil, serviceerror.NewNotFound("none")
}

// CheckHealth fails while every start does.
func (e *engine) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return nil, e.fails
}

// fail makes every start fail, or, with nil, none.
func (e *engine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fails = err
}

// refusals returns how many starts failed.
func (e *engine) refusals() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

// started returns the events of the tenant in the order in which they were started.
func (e *engine) started(tenant string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ids []string
	for _, in := range e.begun {
		if in.Tenant == tenant {
			ids = append(ids, in.EventID)
		}
	}
	return ids
}

// requireStarted waits until that many events of the tenant have been started.
func (e *engine) requireStarted(t *testing.T, tenant string, count int) []string {
	t.Helper()
	require.Eventually(t, func() bool { return len(e.started(tenant)) >= count }, limit, 10*time.Millisecond,
		"%d of %d events are started", len(e.started(tenant)), count)
	e.mu.Lock()
	require.Empty(t, e.wrong)
	e.mu.Unlock()
	require.Len(t, e.started(tenant), count)
	return e.started(tenant)
}

// aTurn is the most that a tenant has started at a turn: a page, after one that held not quite enough.
const aTurn = 131

// requireInOrder checks that events were started oldest first, but for so many that may be under way at once.
func requireInOrder(t *testing.T, started []string, atOnce int) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(started))
	for i, id := range started {
		require.InDelta(t, slices.Index(sorted, id), i, float64(atOnce))
	}
}
