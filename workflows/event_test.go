package workflows_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

func eventInput(e *models.Event) workflows.DeliverEventInput {
	return workflows.DeliverEventInput{EventID: e.ID, Tenant: e.Tenant, EventType: e.Type}
}

func TestDeliverEvent(t *testing.T) {
	t.Parallel()

	t.Run("an event that nobody subscribed to is planned and done", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		event := b.publish(t)
		b.ExecuteWorkflow(workflows.DeliverEventName, eventInput(event))
		require.NoError(t, b.GetWorkflowError())
		got, err := b.store.Event(t.Context(), event.ID)
		require.NoError(t, err)
		require.Equal(t, models.EventPlanned, got.Status)
		require.Empty(t, b.receiver.times)
	})

	t.Run("every matching subscriber gets a delivery", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		for i := range 3 {
			b.subscribe(t, func(s *models.Subscription) { s.Name = fmt.Sprint(i) })
		}
		b.subscribe(t, func(s *models.Subscription) { s.EventTypes = []string{"invoice.*"} })
		event := b.publish(t)
		b.ExecuteWorkflow(workflows.DeliverEventName, eventInput(event))
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 3)
	})

	t.Run("a store that is away while planning is waited for", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		event := b.publish(t)
		b.store.planFailures = 5
		b.ExecuteWorkflow(workflows.DeliverEventName, eventInput(event))
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 1)
	})

	t.Run("cancelling the event's workflow does not lose its deliveries", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		event := b.publish(t)
		b.RegisterDelayedCallback(b.CancelWorkflow, 0)
		b.ExecuteWorkflow(workflows.DeliverEventName, eventInput(event))
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 1)
	})
}

// children counts the children that one workflow started, and notes which positions the batches covered.
type children struct {
	mu      sync.Mutex
	counts  map[string]int
	batches []workflows.DeliverBatchInput
}

// pretend replaces the children by ones that only count.
func pretend(b *bundle) *children {
	c := &children{counts: map[string]int{}}
	b.OnWorkflow(workflows.DeliverToSubscriberName, mock.Anything, mock.Anything).Return(
		func(workflow.Context, workflows.DeliverToSubscriberInput) (*workflows.DeliverToSubscriberResult, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.counts[workflows.DeliverToSubscriberName]++
			return &workflows.DeliverToSubscriberResult{}, nil
		})
	b.OnWorkflow(workflows.DeliverBatchName, mock.Anything, mock.Anything).Return(
		func(_ workflow.Context, in workflows.DeliverBatchInput) (*workflows.DeliverEventResult, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.counts[workflows.DeliverBatchName]++
			c.batches = append(c.batches, in)
			return &workflows.DeliverEventResult{}, nil
		})
	return c
}

func TestWideFanOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ subscribers, batches, direct int }{
		{subscribers: 200, direct: 200},
		{subscribers: 201, batches: 2},
		{subscribers: 1_000, batches: 5},
		{subscribers: 40_000, batches: 200},
		{subscribers: 100_000, batches: 3},
		{subscribers: 8_000_000, batches: 200},
		{subscribers: 8_000_001, batches: 2},
	} {
		t.Run(fmt.Sprintf("%d subscribers", tt.subscribers), func(t *testing.T) {
			t.Parallel()
			b := setup(t, answers(204)...)
			c := pretend(b)
			b.OnActivity("PlanDeliveries", mock.Anything, mock.Anything).Return(planOf(tt.subscribers), nil)
			b.ExecuteWorkflow(workflows.DeliverEventName, workflows.DeliverEventInput{EventID: "evt_1"})
			require.NoError(t, b.GetWorkflowError())
			require.Equal(t, tt.direct, c.counts[workflows.DeliverToSubscriberName])
			require.Equal(t, tt.batches, c.counts[workflows.DeliverBatchName])
			requireCovers(t, c.batches, tt.subscribers)
		})
	}
}

func planOf(n int) *activities.PlanDeliveriesResult {
	plan := &activities.PlanDeliveriesResult{Deliveries: n}
	for i := 0; n <= models.MaxTargets && i < n; i++ {
		plan.Targets = append(plan.Targets, models.Target{DeliveryID: fmt.Sprintf("dlv_%d", i)})
	}
	return plan
}

// requireCovers checks that the batches cover every position once.
func requireCovers(t *testing.T, batches []workflows.DeliverBatchInput, n int) {
	t.Helper()
	if len(batches) == 0 {
		return
	}
	starts := map[int]int{}
	for _, b := range batches {
		starts[b.From] = b.To
	}
	at := 0
	for range batches {
		next, ok := starts[at]
		require.True(t, ok, "nothing starts at position %d", at)
		at = next
	}
	require.Equal(t, n, at)
}

func TestDeliverBatch(t *testing.T) {
	t.Parallel()

	t.Run("starts what is still pending in its part", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		for range 5 {
			b.subscribe(t, nil)
		}
		event := b.publish(t)
		_, err := b.store.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		b.ExecuteWorkflow(workflows.DeliverBatchName,
			workflows.DeliverBatchInput{DeliverEventInput: eventInput(event), From: 1, To: 4})
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 3)
	})
}

func TestWorkflowIDs(t *testing.T) {
	t.Parallel()
	id, ok := models.EventOfWorkflow(models.EventWorkflowID("evt_1"))
	require.True(t, ok)
	require.Equal(t, "evt_1", id)
	id, ok = models.DeliveryOfWorkflow(models.DeliveryWorkflowID("dlv_1"))
	require.True(t, ok)
	require.Equal(t, "dlv_1", id)
	_, ok = models.EventOfWorkflow(models.BatchWorkflowID("evt_1", 0, 200))
	require.False(t, ok)
	_, ok = models.DeliveryOfWorkflow("event/evt_1")
	require.False(t, ok)
}

func TestOptionsFitTemporalsLimits(t *testing.T) {
	t.Parallel()
	long := make([]byte, 255)
	for i := range long {
		long[i] = 'a'
	}
	in := workflows.DeliverEventInput{EventID: string(long), Tenant: string(long), EventType: string(long)}
	options := workflows.EventOptions(in, "q")
	require.LessOrEqual(t, len(options.StaticSummary), 350)
	require.LessOrEqual(t, len(options.StaticDetails), 20_000)
	require.Equal(t, time.Duration(0), options.WorkflowExecutionTimeout, "an accepted event never times out")
}
