package main

import (
	"context"

	temporal "go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/models"
)

const (
	// samples is how many events are looked at in Temporal.
	samples = 5
	// widest is the fan-out above which batches have batches of their own, which are not looked for.
	widest = models.MaxTargets * models.MaxTargets
)

// transitions returns how often Temporal wrote the state of workflows for a delivery: that of its own workflow, and its part
// of the event's and of the batches'. It is the mean of a few events.
func transitions(ctx context.Context, c temporal.Client, events []string, fanout int) float64 {
	n := min(samples, len(events))
	if n == 0 || fanout > widest {
		return 0
	}
	shared, own := 0.0, 0.0
	for i := range n {
		id := events[i*len(events)/n]
		shared += written(ctx, c, models.EventWorkflowID(id))
		for from := 0; from < fanout && fanout > models.MaxTargets; from += models.MaxTargets {
			shared += written(ctx, c, models.BatchWorkflowID(id, from, min(from+models.MaxTargets, fanout)))
		}
		own += written(ctx, c, models.DeliveryWorkflowID(deliveryID(id, 0)))
	}
	return (shared/float64(fanout) + own) / float64(n)
}

// written returns how many state transitions a workflow has had: none if it never existed, as for an inline delivery.
func written(ctx context.Context, c temporal.Client, workflowID string) float64 {
	description, err := c.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return 0
	}
	return float64(description.GetWorkflowExecutionInfo().GetStateTransitionCount())
}
