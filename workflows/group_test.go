package workflows_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// group stores so many events, and returns the input of the workflow that delivers them together.
func (b *bundle) group(t *testing.T, count int) workflows.DeliverEventsInput {
	t.Helper()
	in := workflows.DeliverEventsInput{Tenant: models.DefaultTenant}
	for range count {
		in.EventIDs = append(in.EventIDs, b.publish(t).ID)
	}
	return in
}

// deliver runs the workflow of a group, and returns its result and the ids of the workflows that it has started.
func (b *bundle) deliver(t *testing.T, in workflows.DeliverEventsInput) (result workflows.DeliverEventsResult, children []string) {
	t.Helper()
	b.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		children = append(children, info.WorkflowExecution.ID)
	})
	b.ExecuteWorkflow(workflows.DeliverEventsName, in)
	require.NoError(t, b.GetWorkflowError())
	require.NoError(t, b.GetWorkflowResult(&result))
	return result, children
}

func (b *bundle) requireAll(t *testing.T, in workflows.DeliverEventsInput, status models.DeliveryStatus, attempts int) {
	t.Helper()
	for _, id := range in.EventIDs {
		d := b.only(t, id)
		require.Equal(t, status, d.Status)
		require.Equal(t, attempts, d.Attempts)
		require.Zero(t, d.ClaimedUntil)
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	hourly := func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Hour} }

	t.Run("what is delivered at once needs no workflow of its own", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.group(t, 20)
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: 20, Deliveries: 20}, result)
		require.Empty(t, children)
		b.requireAll(t, in, models.DeliveryDelivered, 1)
		event, err := b.store.Event(t.Context(), in.EventIDs[0])
		require.NoError(t, err)
		require.Equal(t, "default-test-workflow-id", event.PlannedBy)
	})

	t.Run("what is not goes on in one, by the schedule", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204, 500, 204)...)
		b.subscribe(t, hourly)
		in := b.group(t, 3)
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: 3, Deliveries: 3, Open: 1}, result)
		require.Len(t, children, 1)
		for _, id := range in.EventIDs {
			require.Equal(t, models.DeliveryDelivered, b.only(t, id).Status)
		}
		require.Len(t, b.receiver.times, 4)
		require.InDelta(t, time.Hour.Seconds(), b.receiver.times[3].Sub(b.receiver.times[0]).Seconds(), 5)
	})

	t.Run("a subscriber that fails at once gets one request, and the others from workflows of their own", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 204)...)
		b.subscribe(t, hourly)
		in := b.group(t, 5)
		result, children := b.deliver(t, in)
		require.Equal(t, 5, result.Open)
		require.Len(t, children, 5)
		require.Len(t, b.receiver.times, 6)
		for _, id := range in.EventIDs {
			require.Equal(t, models.DeliveryDelivered, b.only(t, id).Status)
		}
	})

	t.Run("a paused subscription's are held in workflows", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		sub := b.subscribe(t, nil)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		in := b.group(t, 2)
		b.RegisterDelayedCallback(func() {
			b.requireAll(t, in, models.DeliveryHeld, 0)
			b.setStatus(t, sub.ID, models.SubscriptionActive)
			for _, id := range in.EventIDs {
				require.NoError(t, b.SignalWorkflowByID(models.DeliveryWorkflowID(b.only(t, id).ID), workflows.SignalResume, nil))
			}
		}, time.Hour)
		result, _ := b.deliver(t, in)
		require.Equal(t, 2, result.Open)
		b.requireAll(t, in, models.DeliveryDelivered, 1)
	})

	t.Run("events beyond the deliveries of one plan are planned in the next", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		for range models.MaxTargets {
			b.subscribe(t, nil)
		}
		const events = models.MaxGroupDeliveries/models.MaxTargets + 1
		in := b.group(t, events)
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: events, Deliveries: events * models.MaxTargets}, result)
		require.Empty(t, children)
		require.Len(t, b.receiver.times, events*models.MaxTargets)
	})

	t.Run("a wide event has a workflow of its own", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		for range models.MaxTargets + 1 {
			b.subscribe(t, nil)
		}
		in := b.group(t, 1)
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Others: 1}, result)
		require.Equal(t, models.EventWorkflowID(in.EventIDs[0]), children[0])
		require.Len(t, b.receiver.times, models.MaxTargets+1)
	})

	t.Run("events that others have planned are left to them", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.group(t, 2)
		_, err := b.store.Store.PlanDeliveries(t.Context(), in.EventIDs[0], nil)
		require.NoError(t, err)
		result, _ := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: 1, Deliveries: 1}, result)
		require.Len(t, b.receiver.times, 1)
	})

	t.Run("goes on when the database was away, and repeats no attempt that is recorded", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.group(t, 10)
		b.store.failLoads = 3
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: 10, Deliveries: 10}, result)
		require.Empty(t, children)
		b.requireAll(t, in, models.DeliveryDelivered, 1)
		require.Len(t, b.receiver.times, 10)
	})

	t.Run("goes on where a worker died, after the plan and some of the attempts", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, hourly)
		in := b.group(t, 3)
		_, err := b.store.PlanGroup(t.Context(), "default-test-workflow-id", in.EventIDs, func(string, int) bool { return true })
		require.NoError(t, err)
		delivered, failed := b.only(t, in.EventIDs[0]), b.only(t, in.EventIDs[1])
		b.record(t, delivered, answer(204), models.DeliveryOutcome{Status: models.DeliveryDelivered})
		b.record(t, failed, answer(500), models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: b.Now().Add(time.Hour)})
		result, children := b.deliver(t, in)
		require.Equal(t, workflows.DeliverEventsResult{Events: 3, Deliveries: 3, Open: 1}, result)
		require.Equal(t, []string{models.DeliveryWorkflowID(failed.ID)}, children)
		require.Len(t, b.receiver.times, 2)
		require.InDelta(t, time.Hour.Seconds(), b.receiver.gaps()[0].Seconds(), 5)
	})
}

func (b *bundle) record(t *testing.T, d *models.Delivery, exchange models.Exchange, outcome models.DeliveryOutcome) {
	t.Helper()
	attempt := &models.Attempt{DeliveryID: d.ID, Number: d.Attempts + 1, StartedAt: b.Now(), Exchange: exchange}
	require.NoError(t, b.store.Store.RecordAttempt(t.Context(), attempt, outcome))
}

// slow answers late, and counts the requests.
type slow struct {
	answer chan struct{}
	sent   atomic.Int32
}

func (s *slow) Send(context.Context, safehttp.Request) (models.Exchange, error) {
	s.sent.Add(1)
	<-s.answer
	exchange := answer(204)
	exchange.Timing.Total = 5 * time.Second
	return exchange, nil
}

// TestGroupWaitsForNoLateAnswer has a subscriber that was never heard of answer late.
func TestGroupWaitsForNoLateAnswer(t *testing.T) {
	t.Parallel()
	b, receiver := setup(t, answers(204)...), &slow{answer: make(chan struct{})}
	b.subscribe(t, nil)
	in := b.group(t, 5)
	acts, err := activities.New(activities.Deps{
		Store: b.store, Courier: courier.NewHTTP(courier.HTTPOptions{Sender: receiver}), Control: b.control, Logger: quiet,
	})
	require.NoError(t, err)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(acts)
	answered, err := env.ExecuteActivity(acts.DeliverGroup, activities.DeliverGroupInput{EventIDs: in.EventIDs})
	require.NoError(t, err)
	var result activities.DeliverGroupResult
	require.NoError(t, answered.Get(&result))
	require.Len(t, result.Open, 5)
	require.EqualValues(t, 1, receiver.sent.Load(), "the others were not sent to a subscriber that hangs")
	for i, open := range result.Open {
		d := b.only(t, open.EventID)
		require.Equal(t, i == 0, open.Attempted, "its workflow waits")
		require.Equal(t, i == 0, !d.ClaimedUntil.IsZero(), "the workflows of the others make the attempt")
	}
	close(receiver.answer)
	activities.Wait(acts)
	require.Equal(t, models.DeliveryDelivered, b.only(t, in.EventIDs[0]).Status, "the attempt went on")
}
