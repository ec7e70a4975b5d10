package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

// groups is the number of workflows of a tenant that may be under way from one process, if events may share them: while two
// are, further events wait and go together. With one, the next group would wait for the slowest answer of the last.
const groups = 2

// childrenAtOnce is the number of deliveries above which an event is one that keeps its tenant behind by itself: in ModeAuto,
// each of them getting a workflow at once would delay the next event by seconds.
const childrenAtOnce = 10

// modesEvery is how often the modes of tenants are read: so long a change takes until it is in force.
const modesEvery = 5 * time.Second

// These are how often new figures are added up, and old ones to longer steps.
const (
	marksEvery = 5 * time.Second
	addUpEvery = 10 * time.Minute
)

// watchFor bounds the time for which a workflow holds its slot. A workflow whose workers are away, or that cannot go on,
// must not stop its tenant for good.
const watchFor = time.Minute

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
	TenantModes(ctx context.Context) (map[string]models.DeliveryMode, error)
	AddUpMarks(ctx context.Context) error
	AddUpStats(ctx context.Context) error
	OpenErasures(ctx context.Context, after string, limit int) ([]*models.Erasure, error)
	EraseSome(ctx context.Context, id string) (over bool, err error)
	Erased(ctx context.Context, eventIDs, deliveryIDs []string) (map[string]bool, error)
	FinishErasure(ctx context.Context, id string, workflows int) error
	RunningRecoveries(ctx context.Context, after string, limit int) ([]*models.Recovery, error)
	Expirer
}

// DispatcherOptions configures NewDispatcher. Client, Control, Store and Logger are required.
type DispatcherOptions struct {
	Client  client.Client
	Control *Control
	Store   Store
	Logger  *slog.Logger
	// Namespace of Temporal, in which erasures delete workflows; empty: workflows.Namespace.
	Namespace string
	Mode      func(tenant string) models.DeliveryMode // of a tenant for which the store has no mode; nil: models.ModeChild

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

	Retention   models.Retention // the zero value keeps everything
	ExpireEvery time.Duration    // 0: 10m; pause between two removals of what has ended

	Registry prometheus.Registerer // gets the metrics of starts; nil: nobody reads them
}

// Dispatcher starts a workflow for every accepted event: at once when woken, or in its tenant's turn if the tenant is behind.
// It also looks after overdue deliveries and after jobs, whose workflows may be gone or were never started, and removes data at
// the end of their retention. Starting twice is harmless, so any number of processes may dispatch.
type Dispatcher struct {
	DispatcherOptions
	wake     chan *models.Event
	backlog  *backlog.Backlog
	watching sync.WaitGroup
	starts   *starts
	modes    atomic.Pointer[map[string]models.DeliveryMode] // of tenants that have one of their own
}

// NewDispatcher makes a Dispatcher. It does nothing until Run.
func NewDispatcher(o DispatcherOptions) *Dispatcher {
	if o.Mode == nil {
		o.Mode = func(string) models.DeliveryMode { return models.ModeChild }
	}
	orDefault(&o.Namespace, workflows.Namespace)
	orDefault(&o.Ahead, 1000)
	orDefault(&o.SweepEvery, 2*time.Second)
	orDefault(&o.SweepAfter, 3*time.Second)
	orDefault(&o.ReviveEvery, time.Minute)
	orDefault(&o.JobsEvery, 10*time.Second)
	orDefault(&o.OverdueAfter, models.OverdueAfter)
	orDefault(&o.ExpireEvery, 10*time.Minute)
	d := &Dispatcher{DispatcherOptions: o, wake: make(chan *models.Event, wakeQueue), starts: newStarts(o.Registry)}
	d.modes.Store(&map[string]models.DeliveryMode{})
	d.backlog = backlog.New(o.Ahead, d.slots)
	return d
}

func (d *Dispatcher) slots(tenant string) int {
	if d.mode(tenant).Groups() {
		return groups
	}
	return 0
}

// mode is the delivery mode of a tenant.
func (d *Dispatcher) mode(tenant string) models.DeliveryMode {
	if mode, ok := (*d.modes.Load())[tenant]; ok {
		return mode
	}
	return d.Mode(tenant)
}

// readModes reads the modes that tenants have of their own. While the store is away, they stay as they are.
func (d *Dispatcher) readModes(ctx context.Context) {
	modes, err := d.Store.TenantModes(ctx)
	if err != nil {
		d.Logger.DebugContext(ctx, "dispatcher.modes_not_read", "error", err)
		return
	}
	d.modes.Store(&modes)
}

// addUp returns the work that adds up figures. While the store is away, they wait.
func (d *Dispatcher) addUp(add func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		if err := add(ctx); err != nil {
			d.Logger.DebugContext(ctx, "dispatcher.figures_not_added_up", "error", err)
		}
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
			d.backlog.Release(event.Tenant)
		}
	}
}

// Run dispatches until ctx ends. Events that are in the queue then are left to the sweep of another process, or to the next
// start of this one.
func (d *Dispatcher) Run(ctx context.Context) {
	d.readModes(ctx)
	var group errgroup.Group
	for range Starters {
		group.Go(func() error { d.startWoken(ctx); return nil })
	}
	group.Go(func() error { d.takeTurns(ctx); return nil })
	group.Go(func() error { every(ctx, d.SweepEvery, d.sweeper()); return nil })
	group.Go(func() error { every(ctx, marksEvery, d.addUp(d.Store.AddUpMarks)); return nil })
	group.Go(func() error { every(ctx, addUpEvery, d.addUp(d.Store.AddUpStats)); return nil })
	group.Go(func() error { every(ctx, modesEvery, d.readModes); return nil })
	group.Go(func() error { every(ctx, d.ReviveEvery, d.reviver()); return nil })
	group.Go(func() error { every(ctx, d.JobsEvery, d.jobs()); return nil })
	group.Go(func() error { every(ctx, d.JobsEvery, d.erase); return nil })
	group.Go(func() error { every(ctx, d.ExpireEvery, d.expire); return nil })
	_ = group.Wait() // none of them fails
	d.watching.Wait()
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
			if err := d.start(ctx, []*models.Event{event}); err != nil {
				d.Logger.DebugContext(ctx, "event.put_back", "event_id", event.ID, "error", err)
			}
		}
	}
}

// start starts a workflow for events of a tenant that the backlog has counted. It is enough if another process has started
// it before. Events whose start fails are put back.
func (d *Dispatcher) start(ctx context.Context, events []*models.Event) error {
	run, err := d.execute(ctx, events)
	d.starts.count(len(events), err)
	if err == nil && run != nil && d.mode(events[0].Tenant).Groups() {
		d.watching.Go(func() { d.watch(ctx, events[0].Tenant, run) })
		return nil
	}
	d.backlog.Release(events[0].Tenant)
	if err == nil {
		return nil
	}
	err = d.unlessRefused(ctx, "event_id", events[0].ID, err)
	for _, event := range events {
		if err != nil {
			d.backlog.PutBack(event)
		} else {
			d.backlog.Refuse(event.ID)
		}
	}
	return err
}

// watch holds the slot of a workflow until it has ended.
func (d *Dispatcher) watch(ctx context.Context, tenant string, run client.WorkflowRun) {
	ctx, cancel := context.WithTimeout(ctx, watchFor)
	defer cancel()
	_ = run.Get(ctx, nil) // how it ended is in Temporal
	d.backlog.Release(tenant)
}

// execute starts a workflow for one event or for several.
func (d *Dispatcher) execute(ctx context.Context, events []*models.Event) (client.WorkflowRun, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	mode := d.mode(events[0].Tenant)
	if len(events) > 1 || mode == models.ModeGrouped {
		in := workflows.DeliverEventsInput{Tenant: events[0].Tenant}
		for _, event := range events {
			in.EventIDs = append(in.EventIDs, event.ID)
		}
		return d.Client.ExecuteWorkflow(ctx, workflows.GroupOptions(models.NewGroupWorkflowID(), in, workflows.TaskQueue), workflows.DeliverEventsName, in)
	}
	return d.executeEvent(ctx, d.input(events[0]))
}

// executeEvent starts the workflow of an event, unless it runs. If it has ended well, the store decides: an event that is
// not planned although its workflow has ended was planned in a store that has since been replaced by an older backup.
func (d *Dispatcher) executeEvent(ctx context.Context, in workflows.DeliverEventInput) (client.WorkflowRun, error) {
	options := workflows.EventOptions(in, workflows.TaskQueue)
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	run, err := d.Client.ExecuteWorkflow(ctx, options, workflows.DeliverEventName, in)
	if _, ended := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); !ended {
		return run, err
	}
	if accepted, err := d.Store.Accepted(ctx, in.EventID); err != nil || !accepted {
		return nil, err
	}
	d.Logger.InfoContext(ctx, "event.planned_again", "event_id", in.EventID,
		"hint", "its workflow had ended, but the database, restored from a backup, does not have the plan")
	return d.Client.ExecuteWorkflow(ctx, workflows.EventAgainOptions(in, workflows.TaskQueue), workflows.DeliverEventName, in)
}

func (d *Dispatcher) input(event *models.Event) workflows.DeliverEventInput {
	in := workflows.DeliverEventInput{EventID: event.ID, Tenant: event.Tenant, EventType: event.Type}
	switch d.mode(event.Tenant) {
	case models.ModeInline, models.ModeGrouped:
		in.Inline = true
	case models.ModeAuto:
		if in.Inline = d.backlog.AnyBehind(); !in.Inline { // no time for the steps of a child while one tenant keeps us busy
			in.InlineAbove = childrenAtOnce
		}
	case models.ModeChild:
	}
	return in
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
