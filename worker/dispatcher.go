package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

const (
	wakeQueue    = 4096 // events waiting to be started; more are left to the sweep
	starters     = 8    // starts under way at once, for wakes and for each sweep
	sweepPage    = 500
	startTimeout = 10 * time.Second
	// startedMemory is how long the sweep leaves alone what this process started: the plan may take a while when all
	// workers are busy or away.
	startedMemory = time.Minute
	startedSize   = 100_000
)

// Store is what the dispatcher asks of the store.
type Store interface {
	AcceptedEvents(ctx context.Context, before time.Time, after string, limit int) ([]*models.Event, error)
	OverdueDeliveries(ctx context.Context, before time.Time, after string, limit int) ([]*models.Delivery, error)
	ResumingSubscriptions(ctx context.Context, after string, limit int) ([]*models.Subscription, error)
	RunningRecoveries(ctx context.Context, after string, limit int) ([]*models.Recovery, error)
}

// DispatcherOptions configures NewDispatcher. Client, Control, Store and Logger are required.
type DispatcherOptions struct {
	Client  client.Client
	Control *Control
	Store   Store
	Logger  *slog.Logger
	Mode    func(tenant string) models.DeliveryMode // nil: models.ModeChild for all

	SweepEvery   time.Duration // 0: 2s; how often accepted events are looked for
	SweepAfter   time.Duration // 0: 3s; how old an accepted event is before a sweep starts it
	ReviveEvery  time.Duration // 0: 1m; how often overdue deliveries are looked for
	JobsEvery    time.Duration // 0: 10s; how often jobs are made sure of
	OverdueAfter time.Duration // 0: 5m; how late an attempt is before its delivery's workflow is looked after
}

// Dispatcher turns accepted events into workflows: at once when woken, and by sweeping the store for what was accepted
// but never started, because Temporal was away or the process died. It also restarts the workflows of deliveries that
// are long overdue because their workflow is gone, and of jobs. Starting twice is harmless, so any number of processes
// may dispatch.
type Dispatcher struct {
	DispatcherOptions
	wake    chan workflows.DeliverEventInput // not the events: their data would fill the memory while Temporal is away
	started *expirable.LRU[string, struct{}]
	failing bool // the last sweep failed; only the sweep's goroutine touches it
}

// NewDispatcher makes a Dispatcher. It does nothing until Run.
func NewDispatcher(o DispatcherOptions) *Dispatcher {
	if o.Mode == nil {
		o.Mode = func(string) models.DeliveryMode { return models.ModeChild }
	}
	orDefault(&o.SweepEvery, 2*time.Second)
	orDefault(&o.SweepAfter, 3*time.Second)
	orDefault(&o.ReviveEvery, time.Minute)
	orDefault(&o.JobsEvery, 10*time.Second)
	orDefault(&o.OverdueAfter, 5*time.Minute)
	return &Dispatcher{
		DispatcherOptions: o,
		wake:              make(chan workflows.DeliverEventInput, wakeQueue),
		started:           expirable.NewLRU[string, struct{}](startedSize, nil, startedMemory),
	}
}

// Wake asks for events to be started now. It never blocks: what does not fit in the queue is found by the next sweep.
// Safe for concurrent use.
func (d *Dispatcher) Wake(events ...*models.Event) {
	for _, event := range events {
		select {
		case d.wake <- d.input(event):
		default:
			return
		}
	}
}

// Run dispatches until ctx ends. What is still queued then is left to the sweep of another process, or of the next start.
func (d *Dispatcher) Run(ctx context.Context) {
	var group errgroup.Group
	for range starters {
		group.Go(func() error { d.startWoken(ctx); return nil })
	}
	group.Go(func() error { every(ctx, d.SweepEvery, d.sweep); return nil })
	group.Go(func() error { every(ctx, d.ReviveEvery, d.reviver()); return nil })
	group.Go(func() error { every(ctx, d.JobsEvery, d.resumeJobs); return nil })
	_ = group.Wait() // none of them fails
}

func (d *Dispatcher) startWoken(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case in := <-d.wake:
			if err := d.start(ctx, in); err != nil {
				d.Logger.DebugContext(ctx, "start of an event left to the sweep", "event_id", in.EventID, "error", err)
			}
		}
	}
}

// start starts the event's workflow. One that has been started before, by whomever, is as good: the client takes it for
// started.
func (d *Dispatcher) start(ctx context.Context, in workflows.DeliverEventInput) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if _, err := d.Client.ExecuteWorkflow(ctx, workflows.EventOptions(in, workflows.TaskQueue), workflows.DeliverEventName, in); err != nil {
		return err
	}
	d.started.Add(in.EventID, struct{}{})
	return nil
}

func (d *Dispatcher) input(event *models.Event) workflows.DeliverEventInput {
	return workflows.DeliverEventInput{
		EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: d.Mode(event.Tenant) == models.ModeInline,
	}
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// every calls work now and then every period until ctx ends.
func every(ctx context.Context, period time.Duration, work func(context.Context)) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		work(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
