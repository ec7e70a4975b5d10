package bench

import (
	"context"

	"github.com/posthaste/posthaste/workflows"
)

// samples is how many events are looked at in Temporal.
const samples = 5

// addTransitions says how much Temporal had to write for an event and a delivery, from a few of them: the means of state
// transitions and of events in the history. The batches of wide events are not in it.
func (b *bench) addTransitions(ctx context.Context, m Metrics, accepted []sent) {
	if b.Temporal == nil {
		return
	}
	events, deliveries, all := mean{}, mean{}, mean{}
	for i := range min(samples, len(accepted)) {
		event, err := b.Client.Event(ctx, accepted[i*len(accepted)/samples].id)
		if err != nil || len(event.Deliveries) == 0 {
			continue
		}
		ofEvent := b.describe(ctx, workflows.EventWorkflowID(event.ID))
		ofDelivery := b.describe(ctx, workflows.DeliveryWorkflowID(event.Deliveries[0].ID))
		if ofEvent == 0 || ofDelivery == 0 {
			continue // Temporal has it no longer, or is another one
		}
		events.add(ofEvent)
		deliveries.add(ofDelivery)
		all.add(ofEvent/float64(len(event.Deliveries)) + ofDelivery)
	}
	if all.n > 0 {
		m["event_transitions"], m["delivery_transitions"], m["transitions_per_delivery"] = events.value(), deliveries.value(), all.value()
	}
}

// describe is how many state transitions a workflow has had; 0 if that cannot be found out.
func (b *bench) describe(ctx context.Context, workflowID string) float64 {
	description, err := b.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return 0
	}
	return float64(description.GetWorkflowExecutionInfo().GetStateTransitionCount())
}

type mean struct {
	sum float64
	n   int
}

func (m *mean) add(value float64) { m.sum, m.n = m.sum+value, m.n+1 }

func (m *mean) value() float64 { return m.sum / float64(m.n) }
