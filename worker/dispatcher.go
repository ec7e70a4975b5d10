package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker/backlog"
	"github.com/posthaste/posthaste/workflows"
)

const (
	wakeQueue    = 4096 // events to be started at once; further ones wait for their tenant's turn
	sweepPage    = 500
	startTimeout = 10 * time.Second
)

// Starters limits the starts that run at the same time, separately for wakes, for turns and for each search.
const Starters = 8

// Store holds the methods of the store that the dispatcher calls.
type Store interface {
	AcceptedEvents(ctx context.Context, tenant string, before time.Time, after string, limit int) ([]*models.Event, error)
	// Accepted reports whether an event is stored but not planned.
	Accepted(ctx context.Context, id string) (bool, error)
	AcceptedTenants(ctx context.Context, before time.Time, after string, limit int) ([]string, error)
	Outstanding(ctx context.Context, tenants []string, room int) (map[string]models.Outstanding, error)
	OverdueDeliveries(ctx context.Context, before time.Time, after string, limit int) ([]*models.Delivery, error)
	HaltDelivery(ctx context.Context, id, by string, audit ...models.AuditEntry) (news bool, err error)
	ResumingSubscriptions(ctx context.Context, after string, limit int) ([]*models.Subscription, error)
	WalkingStops(ctx context.Context, after string, limit int) ([]*models.Stop, error)
	RunningRecoveries(ctx context.Context, after string, limit int) ([]*models.Recovery, error)
}

// DispatcherOptions configures NewDispatcher. Client, Control, Store and Logger are required.
type DispatcherOptions struct {
	Client  client.Client
	Control *Control
	Store   Store
	Logger  *slog.Logger
	Mode    func(tenant string) models.DeliveryMode // nil: models.ModeChild for all

	// Ahead limits the deliveries of a tenant in Temporal whose first attempt is outstanding. Further events of the tenant
	// wait in the store, but an event with many subscribers is started if there is room for one of them. The deliveries
	// to one subscription count up to a tenth of the limit, or up to an equal part if the tenant has fewer than ten active
	// subscriptions. 0: 1,000.
	Ahead int

	SweepEvery   time.Duration // 0: 2s; pause between two sweeps, and between two tries while Temporal is away
	SweepAfter   time.Duration // 0: 3s; age at which this process starts the event of another process
	ReviveEvery  time.Duration // 0: 1m; pause between two searches for overdue deliveries
	JobsEvery    time.Duration // 0: 10s; pause between two searches for jobs
	OverdueAfter time.Duration // 0: 5m; delay of an attempt after which its delivery is looked after
}

// Dispatcher starts a workflow for every accepted event: at once when woken, or in its tenant's turn if the tenant is behind.
// It also looks after overdue deliveries and after jobs, whose workflows may be gone or were never started. Starting twice is
// harmless, so any number of processes may dispatch.
type Dispatcher struct {
	DispatcherOptions
	wake    chan *models.Event
	backlog *backlog.Backlog
}

// NewDispatcher makes a Dispatcher. It does nothing until Run.
func NewDispatcher(o DispatcherOptions) *Dispatcher {
	if o.Mode == nil {
		o.Mode = func(string) models.DeliveryMode { return models.ModeChild }
	}
	orDefault(&o.Ahead, 1000)
	orDefault(&o.SweepEvery, 2*time.Second)
	orDefault(&o.SweepAfter, 3*time.Second)
	orDefault(&o.ReviveEvery, time.Minute)
	orDefault(&o.JobsEvery, 10*time.Second)
	orDefault(&o.OverdueAfter, 5*time.Minute)
	return &Dispatcher{
		DispatcherOptions: o,
		wake:              make(chan *models.Event, wakeQueue),
		backlog:           backlog.New(o.Ahead),
	}
}

// Wake has events started that were just stored. It never blocks: an event whose tenant is behind, or for which the queue
// has no room, waits for its tenant's turn. Safe for concurrent use.
func (d *Dispatcher) Wake(events ...*models.Event) {
	for _, event := range events {
		event = withoutData(event)
		if !d.backlog.Admit(event) {
			continue
		}
		select {
		case d.wake <- event:
		default:
			d.backlog.PutBack(event)
		}
	}
}

// Run dispatches until ctx ends. Events that are in the queue then are left to the sweep of another process, or to the next
// start of this one.
func (d *Dispatcher) Run(ctx context.Context) {
	var group errgroup.Group
	for range Starters {
		group.Go(func() error { d.startWoken(ctx); return nil })
	}
	group.Go(func() error { d.takeTurns(ctx); return nil })
	group.Go(func() error { every(ctx, d.SweepEvery, d.sweeper()); return nil })
	group.Go(func() error { every(ctx, d.ReviveEvery, d.reviver()); return nil })
	group.Go(func() error { every(ctx, d.JobsEvery, d.jobs()); return nil })
	_ = group.Wait() // none of them fails
}

func (d *Dispatcher) startWoken(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-d.wake:
			if !d.backlog.Dequeue(event) {
				continue
			}
			if err := d.start(ctx, event); err != nil {
				d.Logger.DebugContext(ctx, "event.put_back", "event_id", event.ID, "error", err)
			}
		}
	}
}

// start starts the workflow of an event that the backlog has counted. It is enough if another process has started it before.
// An event whose start fails is put back.
func (d *Dispatcher) start(ctx context.Context, event *models.Event) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := d.execute(ctx, d.input(event))
	if err == nil {
		return nil
	}
	if err := d.unlessRefused(ctx, "event_id", event.ID, err); err != nil {
		d.backlog.PutBack(event)
		return err
	}
	d.backlog.Refuse(event.ID)
	return nil
}

// execute starts the workflow of an event, unless it runs. If it has ended well, the store decides: an event that is not
// planned although its workflow has ended was planned in a store that has since been replaced by an older backup.
func (d *Dispatcher) execute(ctx context.Context, in workflows.DeliverEventInput) error {
	options := workflows.EventOptions(in, workflows.TaskQueue)
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := d.Client.ExecuteWorkflow(ctx, options, workflows.DeliverEventName, in)
	if _, ended := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); !ended {
		return err
	}
	if accepted, err := d.Store.Accepted(ctx, in.EventID); err != nil || !accepted {
		return err
	}
	d.Logger.InfoContext(ctx, "event.planned_again", "event_id", in.EventID,
		"hint", "its workflow had ended, but the database, restored from a backup, does not have the plan")
	options = workflows.EventAgainOptions(in, workflows.TaskQueue)
	_, err = d.Client.ExecuteWorkflow(ctx, options, workflows.DeliverEventName, in)
	return err
}

func (d *Dispatcher) input(event *models.Event) workflows.DeliverEventInput {
	return workflows.DeliverEventInput{
		EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: d.Mode(event.Tenant) == models.ModeInline,
	}
}

// withoutData returns an event that may be queued: the data of a full queue would fill the memory while Temporal is away.
func withoutData(event *models.Event) *models.Event {
	return &models.Event{ID: event.ID, Tenant: event.Tenant, Type: event.Type, CreatedAt: event.CreatedAt}
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
