package bench

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/api/serviceerror"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

const (
	// samples is how many events are looked at in Temporal.
	samples = 5
	// widest is the fan-out above which batches have batches of their own, which are not looked for.
	widest = models.MaxTargets * models.MaxTargets
)

// transitions is how often Temporal had to write the state of workflows.
type transitions struct {
	samples                  int
	event, batches, delivery float64 // sums over the samples
}

// addTransitions says how much Temporal had to write for an event with its batches and for a delivery, as means of a few.
func (b *bench) addTransitions(ctx context.Context, m Metrics, l load, accepted []sent) {
	fanout := l.subscribers
	if l.beside {
		fanout++
	}
	if b.Temporal == nil || fanout > widest {
		return
	}
	var t transitions
	for i := range min(samples, len(accepted)) {
		b.sample(ctx, &t, accepted[i*len(accepted)/samples].id, fanout)
	}
	if t.samples == 0 {
		return
	}
	n := float64(t.samples)
	m["event_transitions"], m["batch_transitions"], m["delivery_transitions"] = t.event/n, t.batches/n, t.delivery/n
	m["transitions_per_delivery"] = (t.event+t.batches)/n/float64(fanout) + t.delivery/n
}

// sample looks at the workflows of an event, of its batches and of one of its deliveries. A workflow that Temporal no
// longer has is left out.
func (b *bench) sample(ctx context.Context, t *transitions, id string, fanout int) {
	event, err := b.Client.Event(ctx, id)
	if err != nil {
		return
	}
	at := slices.IndexFunc(event.Deliveries, func(d client.DeliverySummary) bool { return d.Status == "delivered" })
	if at < 0 {
		return
	}
	ofEvent, known := b.describe(ctx, models.EventWorkflowID(id))
	known = known && ofEvent > 0 // else this is not its Temporal
	ofDelivery, knownToo := b.describe(ctx, models.DeliveryWorkflowID(event.Deliveries[at].ID))
	if !known || !knownToo {
		return
	}
	t.samples++
	t.event, t.delivery = t.event+ofEvent, t.delivery+ofDelivery
	for from := 0; from < fanout && fanout > models.MaxTargets; from += models.MaxTargets {
		ofBatch, _ := b.describe(ctx, models.BatchWorkflowID(id, from, min(from+models.MaxTargets, fanout)))
		t.batches += ofBatch
	}
}

// describe returns how many state transitions a workflow has had: none if it never existed, as for an inline delivery.
func (b *bench) describe(ctx context.Context, workflowID string) (count float64, known bool) {
	description, err := b.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if _, never := errors.AsType[*serviceerror.NotFound](err); never {
		return 0, true
	}
	if err != nil {
		return 0, false
	}
	return float64(description.GetWorkflowExecutionInfo().GetStateTransitionCount()), true
}
