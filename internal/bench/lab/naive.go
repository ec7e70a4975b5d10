package main

import (
	"context"
	"time"

	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const naiveQueue = "bench-naive"

// sketch is the naive shape: a child for each delivery whose result is waited for, and in it an activity; no setting of worker,
// client or workflow is touched.
type sketch struct{ tally *tally }

// naiveInput is an event with its fan-out, or a delivery with its position.
type naiveInput struct {
	EventID string `json:"event_id"`
	N       int    `json:"n"`
}

func (s *sketch) worker(c temporal.Client) worker.Worker {
	w := worker.New(c, naiveQueue, worker.Options{})
	w.RegisterWorkflow(naiveEvent)
	w.RegisterWorkflow(naiveDelivery)
	w.RegisterActivity(&naiveActivities{s.tally})
	return w
}

func (*sketch) atOnce() int { return 1 }

func (s *sketch) start(ctx context.Context, c temporal.Client, eventIDs []string, fanout int) error {
	options := temporal.StartWorkflowOptions{ID: "naive/" + eventIDs[0], TaskQueue: naiveQueue}
	_, err := c.ExecuteWorkflow(ctx, options, naiveEvent, naiveInput{eventIDs[0], fanout})
	return err
}

func naiveEvent(ctx workflow.Context, in naiveInput) error {
	children := make([]workflow.ChildWorkflowFuture, in.N)
	for n := range children {
		children[n] = workflow.ExecuteChildWorkflow(ctx, naiveDelivery, naiveInput{in.EventID, n})
	}
	for _, child := range children {
		if err := child.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func naiveDelivery(ctx workflow.Context, in naiveInput) error {
	var a *naiveActivities
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, a.Deliver, in).Get(ctx, nil)
}

type naiveActivities struct{ tally *tally }

// Deliver counts the delivery as made.
func (a *naiveActivities) Deliver(_ context.Context, in naiveInput) error {
	a.tally.add(deliveryID(in.EventID, in.N))
	return nil
}
