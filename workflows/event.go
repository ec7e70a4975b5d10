package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

// DeliverEvent plans the deliveries of an event and starts them.
func DeliverEvent(ctx workflow.Context, in DeliverEventInput) (*DeliverEventResult, error) {
	f := newFanOut(ctx, in)
	if err := f.plan(); err != nil {
		return nil, err
	}
	return f.start(0, f.deliveries)
}

// DeliverBatch starts a part of an event's deliveries.
func DeliverBatch(ctx workflow.Context, in DeliverBatchInput) (*DeliverEventResult, error) {
	return newFanOut(ctx, in.DeliverEventInput).start(in.From, in.To)
}

// fanOut is the state of DeliverEvent and DeliverBatch.
type fanOut struct {
	ctx        workflow.Context
	in         DeliverEventInput
	deliveries int
	targets    []models.Target // from the plan; nil: they have to be listed
}

// newFanOut makes a fan-out that ignores cancellation: an accepted event reaches its subscribers. Only its deliveries can
// be cancelled.
func newFanOut(ctx workflow.Context, in DeliverEventInput) *fanOut {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	return &fanOut{ctx: forBookkeeping(ctx), in: in}
}

func (f *fanOut) plan() error {
	var plan activities.PlanDeliveriesResult
	err := bookkeep(f.ctx, a.PlanDeliveries, activities.PlanDeliveriesInput{EventID: f.in.EventID, Claim: f.in.Inline, ClaimAbove: f.in.InlineAbove}, &plan)
	f.deliveries, f.targets = plan.Deliveries, plan.Targets
	return err
}

// start starts the deliveries at the positions from up to, not including, to: itself when they are few, through batches
// when they are many.
func (f *fanOut) start(from, to int) (*DeliverEventResult, error) {
	var started []workflow.ChildWorkflowFuture
	if to-from > models.MaxTargets {
		started = f.startBatches(from, to)
	} else {
		targets, err := f.list(from, to)
		if err != nil {
			return nil, err
		}
		started = f.deliver(targets)
	}
	return &DeliverEventResult{Deliveries: to - from}, allStarted(f.ctx, started)
}

func (f *fanOut) list(from, to int) ([]models.Target, error) {
	if f.targets != nil || from == to {
		return f.targets, nil
	}
	var page activities.ListTargetsResult
	in := activities.ListTargetsInput{EventID: f.in.EventID, From: from, To: to}
	err := bookkeep(f.ctx, a.ListTargets, in, &page)
	return page.Targets, err
}

// deliver makes the first attempts that were claimed, all at once, and starts a workflow for each delivery that they do
// not deliver and for each that was not claimed.
func (f *fanOut) deliver(targets []models.Target) []workflow.ChildWorkflowFuture {
	attempts := make([]workflow.Future, len(targets))
	var children []workflow.ChildWorkflowFuture
	for i, target := range targets {
		if target.Claimed {
			attempts[i] = f.attempt(target)
		} else {
			children = append(children, f.startDelivery(target, time.Time{}))
		}
	}
	for i, target := range targets {
		if attempts[i] == nil {
			continue
		}
		if err := attempts[i].Get(f.ctx, nil); !activities.Settled(err) {
			children = append(children, f.startDelivery(target, f.failing(err)))
		}
	}
	return children
}

// attempt makes the first attempt within the workflow task.
func (f *fanOut) attempt(target models.Target) workflow.Future {
	in := activities.AttemptDeliveryInput{DeliveryID: target.DeliveryID, Claimed: true}
	return workflow.ExecuteLocalActivity(forLocalAttempt(f.ctx), a.AttemptDelivery, in)
}

// failing is the time if an attempt was made and failed; zero otherwise.
func (f *fanOut) failing(err error) (since time.Time) {
	if activities.IsAttemptFailed(err) {
		since = workflow.Now(f.ctx)
	}
	return since
}

func (f *fanOut) startDelivery(target models.Target, failing time.Time) workflow.ChildWorkflowFuture {
	return startDelivery(f.ctx, f.in, target, failing)
}

func (f *fanOut) startBatches(from, to int) []workflow.ChildWorkflowFuture {
	var children []workflow.ChildWorkflowFuture
	size := batchSize(to - from)
	for first := from; first < to; first += size {
		in := DeliverBatchInput{DeliverEventInput: f.in, From: first, To: min(first+size, to)}
		children = append(children, workflow.ExecuteChildWorkflow(forBatch(f.ctx, in), DeliverBatchName, in))
	}
	return children
}

// batchSize is the smallest power of MaxTargets that splits n deliveries into at most MaxTargets batches. It bounds the
// pending children of every parent, whatever n is.
func batchSize(n int) int {
	size := models.MaxTargets
	for size*models.MaxTargets < n {
		size *= models.MaxTargets
	}
	return size
}
