package main

import (
	"context"
	"crypto/rand"
	"time"

	temporal "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/worker"
)

const (
	groupedQueue = "bench-grouped"
	groupSize    = 100 // events, the most that Posthaste gives to one workflow
)

// grouped is the shape floor for the delivery modes that group events: a workflow with one local activity for each hundred
// events, and nothing else. It is no workflow of Posthaste, which would have more to do.
type grouped struct{ tally *tally }

// groupedInput is a group of events that have the same fan-out.
type groupedInput struct {
	EventIDs []string `json:"event_ids"`
	Fanout   int      `json:"fanout"`
}

func (g *grouped) worker(c temporal.Client) sdkworker.Worker {
	w := sdkworker.New(c, groupedQueue, worker.Options(nil))
	w.RegisterWorkflow(groupedEvents)
	w.RegisterActivity(&groupedActivities{g.tally})
	return w
}

func (*grouped) atOnce() int { return groupSize }

func (g *grouped) start(ctx context.Context, c temporal.Client, eventIDs []string, fanout int) error {
	options := temporal.StartWorkflowOptions{ID: "group/" + rand.Text(), TaskQueue: groupedQueue, EnableEagerStart: true}
	_, err := c.ExecuteWorkflow(ctx, options, groupedEvents, groupedInput{eventIDs, fanout})
	return err
}

func groupedEvents(ctx workflow.Context, in groupedInput) error {
	var a *groupedActivities
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteLocalActivity(ctx, a.DeliverGroup, in).Get(ctx, nil)
}

type groupedActivities struct{ tally *tally }

// DeliverGroup counts the deliveries of the events as made.
func (a *groupedActivities) DeliverGroup(_ context.Context, in groupedInput) error {
	for _, id := range in.EventIDs {
		for n := range in.Fanout {
			a.tally.add(deliveryID(id, n))
		}
	}
	return nil
}
