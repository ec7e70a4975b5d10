package main

import (
	"context"
	"fmt"
	"sync/atomic"

	temporal "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// ours is the shape floor: Posthaste's own workflows and worker, with activities that do nothing. The methods that the
// worker registers have the names of the activities in package activities.
type ours struct {
	tally  *tally
	inline bool
	fanout atomic.Int64
}

func (o *ours) worker(c temporal.Client) sdkworker.Worker {
	w := sdkworker.New(c, workflows.TaskQueue, worker.Options(nil))
	workflows.Register(w)
	w.RegisterActivity(&empty{o})
	return w
}

func (*ours) atOnce() int { return 1 }

// start starts an event as the dispatcher does.
func (o *ours) start(ctx context.Context, c temporal.Client, eventIDs []string, fanout int) error {
	o.fanout.Store(int64(fanout))
	in := workflows.DeliverEventInput{EventID: eventIDs[0], Tenant: "bench", EventType: "bench.event", Inline: o.inline}
	_, err := c.ExecuteWorkflow(ctx, workflows.EventOptions(in, workflows.TaskQueue), workflows.DeliverEventName, in)
	return err
}

// empty holds the activities that do nothing.
type empty struct{ ours *ours }

// PlanDeliveries returns the targets, all of them fast.
func (e *empty) PlanDeliveries(_ context.Context, in activities.PlanDeliveriesInput) (*activities.PlanDeliveriesResult, error) { //nolint:unparam // an activity returns an error
	n := int(e.ours.fanout.Load())
	result := &activities.PlanDeliveriesResult{Deliveries: n}
	if n <= models.MaxTargets {
		result.Targets = targets(in.EventID, 0, n, in.Claim)
	}
	return result, nil
}

// ListTargets returns a part of the targets.
func (e *empty) ListTargets(_ context.Context, in activities.ListTargetsInput) (*activities.ListTargetsResult, error) { //nolint:unparam // an activity returns an error
	return &activities.ListTargetsResult{Targets: targets(in.EventID, in.From, in.To, e.ours.inline)}, nil
}

// AttemptDelivery counts the delivery as made.
func (e *empty) AttemptDelivery(_ context.Context, in activities.AttemptDeliveryInput) (*activities.AttemptDeliveryResult, error) { //nolint:unparam // an activity returns an error
	e.ours.tally.add(in.DeliveryID)
	return &activities.AttemptDeliveryResult{Attempt: 1}, nil
}

// targets returns the targets at the positions from up to, not including, to.
func targets(eventID string, from, to int, claimed bool) []models.Target {
	all := make([]models.Target, 0, to-from)
	for n := from; n < to; n++ {
		all = append(all, models.Target{
			DeliveryID: deliveryID(eventID, n), SubscriptionID: fmt.Sprintf("sub_%d", n), Host: "127.0.0.1", Fast: true, Claimed: claimed,
		})
	}
	return all
}

// deliveryID returns the id of the event's delivery at a position.
func deliveryID(eventID string, n int) string { return fmt.Sprintf("%s.%d", eventID, n) }
