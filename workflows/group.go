package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

// DeliverEvents plans the deliveries of several events of a tenant, makes the first attempts that may be made at once, and
// starts a workflow for each delivery that they leave open, and for each event that is too wide for a group.
func DeliverEvents(ctx workflow.Context, in DeliverEventsInput) (*DeliverEventsResult, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // an accepted event reaches its subscribers
	var done activities.DeliverGroupResult
	if err := bookkeep(forGroup(ctx), a.DeliverGroup, activities.DeliverGroupInput{EventIDs: in.EventIDs}, &done); err != nil {
		return nil, err
	}
	g := &group{ctx: ctx, in: in}
	if err := g.start(done); err != nil {
		return nil, err
	}
	return &DeliverEventsResult{Events: done.Events, Deliveries: done.Deliveries, Open: len(done.Open), Others: len(done.Others)}, nil
}

// group is the state of DeliverEvents.
type group struct {
	ctx workflow.Context
	in  DeliverEventsInput
}

// start starts the children, and waits for some to have started before it starts others: Temporal bounds the children of a
// workflow that are pending.
func (g *group) start(done activities.DeliverGroupResult) error {
	var children []func() workflow.ChildWorkflowFuture
	for _, open := range done.Open {
		children = append(children, func() workflow.ChildWorkflowFuture { return g.startDelivery(open) })
	}
	for _, other := range done.Others {
		children = append(children, func() workflow.ChildWorkflowFuture { return g.startEvent(other) })
	}
	for some := range slices.Chunk(children, models.MaxTargets) {
		started := make([]workflow.ChildWorkflowFuture, len(some))
		for i, start := range some {
			started[i] = start()
		}
		if err := allStarted(g.ctx, started); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) startDelivery(open models.GroupTarget) workflow.ChildWorkflowFuture {
	return startDelivery(g.ctx, g.event(open.EventRef), open.Target, open.FailingSince)
}

// startEvent starts the workflow of an event that is too wide. The tenant is behind, so it makes first attempts itself.
func (g *group) startEvent(other models.EventRef) workflow.ChildWorkflowFuture {
	in := g.event(other)
	return workflow.ExecuteChildWorkflow(forEvent(g.ctx, in), DeliverEventName, in)
}

func (g *group) event(ref models.EventRef) DeliverEventInput {
	return DeliverEventInput{EventID: ref.EventID, Tenant: g.in.Tenant, EventType: ref.EventType, Inline: true}
}

// startDelivery starts the workflow of a delivery. Failing is when its first attempt failed; zero: none was made or failed.
func startDelivery(
	ctx workflow.Context, event DeliverEventInput, target models.Target, failing time.Time,
) workflow.ChildWorkflowFuture {
	in := DeliverToSubscriberInput{
		DeliveryID: target.DeliveryID, EventID: event.EventID, SubscriptionID: target.SubscriptionID,
		Tenant: event.Tenant, EventType: event.EventType, Host: target.Host,
		Local: target.Fast && !target.Claimed && !target.Attempted, Attempted: target.Claimed || target.Attempted,
		Tells: true, FailingSince: failing,
	}
	return workflow.ExecuteChildWorkflow(forDelivery(ctx, in), DeliverToSubscriberName, in)
}
