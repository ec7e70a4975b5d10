package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// setupInline subscribes somebody who has answered fast before, and returns the input of an event's workflow.
func setupInline(t *testing.T, script ...models.Exchange) (*bundle, workflows.DeliverEventInput) {
	t.Helper()
	b := setup(t, append(answers(204), script...)...)
	b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Hour} })
	before := b.plan(t)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(b.acts)
	_, err := env.ExecuteActivity(b.acts.AttemptDelivery, activities.AttemptDeliveryInput{DeliveryID: before.DeliveryID})
	require.NoError(t, err)
	event := b.publish(t)
	return b, workflows.DeliverEventInput{EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: true}
}

// only is the event's only delivery.
func (b *bundle) only(t *testing.T, eventID string) *models.Delivery {
	t.Helper()
	found, err := b.store.Deliveries(t.Context(), models.DeliveryFilter{EventID: eventID})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func TestInline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers  []models.Exchange
		status   models.DeliveryStatus
		attempts int
		children int
		gap      time.Duration // between the first and the second attempt
	}{
		"what is delivered at once needs no workflow of its own": {answers(204), models.DeliveryDelivered, 1, 0, 0},
		"what is not goes on in one, by the schedule":            {answers(500, 204), models.DeliveryDelivered, 2, 1, time.Hour},
		"what is exhausted is kept in one":                       {[]models.Exchange{blocked}, models.DeliveryExhausted, 1, 1, 0},
		"410 needs none":                                         {answers(410), models.DeliveryCancelled, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, in := setupInline(t, tt.answers...)
			children := 0
			b.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) { children++ })
			b.ExecuteWorkflow(workflows.DeliverEventName, in)
			require.NoError(t, b.GetWorkflowError())
			require.Equal(t, tt.children, children)
			d := b.only(t, in.EventID)
			require.Equal(t, tt.status, d.Status)
			require.Equal(t, tt.attempts, d.Attempts)
			require.Zero(t, d.ClaimedUntil)
			require.Len(t, b.attempts(t, d.ID), tt.attempts)
			if tt.gap > 0 {
				require.InDelta(t, tt.gap.Seconds(), b.receiver.gaps()[1].Seconds(), 2)
			}
		})
	}

	t.Run("a subscriber that is not known to answer fast gets a workflow at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		event := b.publish(t)
		b.ExecuteWorkflow(workflows.DeliverEventName, workflows.DeliverEventInput{
			EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: true,
		})
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryDelivered, b.only(t, event.ID).Status)
	})

	t.Run("a paused subscription's is held in a workflow", func(t *testing.T) {
		t.Parallel()
		b, in := setupInline(t, answers(204)...)
		_, err := b.store.Store.PlanDeliveries(t.Context(), in.EventID, func(string, int) bool { return true })
		require.NoError(t, err)
		d := b.only(t, in.EventID)
		b.setStatus(t, d.SubscriptionID, models.SubscriptionPaused)
		b.RegisterDelayedCallback(func() {
			require.Len(t, b.receiver.times, 1, "the one before")
			b.setStatus(t, d.SubscriptionID, models.SubscriptionActive)
			require.NoError(t, b.SignalWorkflowByID(models.DeliveryWorkflowID(d.ID), workflows.SignalResume, nil))
		}, time.Hour)
		b.ExecuteWorkflow(workflows.DeliverEventName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryDelivered, b.only(t, in.EventID).Status)
	})

	t.Run("an attempt that was recorded and not told is not made again by a process that knows of nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Hour} })
		event := b.publish(t)
		in := workflows.DeliverEventInput{EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: true}
		start := b.Now()
		_, err := b.store.Store.PlanDeliveries(t.Context(), in.EventID, func(string, int) bool { return true })
		require.NoError(t, err)
		d := b.only(t, in.EventID)
		attempt := &models.Attempt{DeliveryID: d.ID, Number: 1, StartedAt: b.Now(), Exchange: answer(500)}
		later := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: b.Now().Add(time.Hour)}
		require.NoError(t, b.store.Store.RecordAttempt(t.Context(), attempt, later))
		b.ExecuteWorkflow(workflows.DeliverEventName, in)
		require.NoError(t, b.GetWorkflowError())
		require.WithinDuration(t, start.Add(time.Hour), b.receiver.times[0], 5*time.Second)
		require.Equal(t, 2, b.only(t, in.EventID).Attempts)
	})
}

// TestClaims acts on a delivery whose first attempt the event's workflow is making.
func TestClaims(t *testing.T) {
	t.Parallel()
	claimed := func(t *testing.T) (*bundle, workflows.DeliverToSubscriberInput) {
		t.Helper()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		event := b.publish(t)
		_, err := b.store.Store.PlanDeliveries(t.Context(), event.ID, func(string, int) bool { return true })
		require.NoError(t, err)
		d := b.only(t, event.ID)
		return b, workflows.DeliverToSubscriberInput{
			DeliveryID: d.ID, EventID: event.ID, SubscriptionID: d.SubscriptionID, Tenant: d.Tenant, EventType: d.EventType,
		}
	}

	for name, redelivery := range map[string]bool{"revived": false, "redelivered": true} {
		t.Run("when it is "+name+" nobody else makes the attempt as long as the claim lasts", func(t *testing.T) {
			t.Parallel()
			b, in := claimed(t)
			in.Redelivery = redelivery
			start := b.Now()
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			require.NoError(t, b.GetWorkflowError())
			require.WithinDuration(t, start.Add(models.ClaimTime), b.receiver.times[0], 5*time.Second)
		})
	}

	for name, redelivery := range map[string]bool{"revived": false, "redelivered": true} {
		t.Run("when it is "+name+" a claim by a clock that was ahead does not count", func(t *testing.T) {
			t.Parallel()
			b, in := claimed(t)
			in.Redelivery = redelivery
			b.SetStartTime(time.Now().Add(-day))
			start := b.Now()
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			require.NoError(t, b.GetWorkflowError())
			require.WithinDuration(t, start, b.receiver.times[0], 5*time.Second)
		})
	}

	t.Run("a clock that is set right meanwhile leaves the first attempt to the delivery's workflow, at once", func(t *testing.T) {
		t.Parallel()
		b, in := claimed(t)
		b.SetStartTime(time.Now().Add(-day))
		start := b.Now()
		children := 0
		b.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) { children++ })
		event := workflows.DeliverEventInput{EventID: in.EventID, Tenant: in.Tenant, EventType: in.EventType, Inline: true}
		b.ExecuteWorkflow(workflows.DeliverEventName, event)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, 1, children)
		require.Len(t, b.receiver.times, 1)
		require.WithinDuration(t, start, b.receiver.times[0], 5*time.Second)
	})

	t.Run("what was cancelled during the claim is redelivered when that is over", func(t *testing.T) {
		t.Parallel()
		b, in := claimed(t)
		_, err := b.store.ChangeDelivery(t.Context(), in.DeliveryID, models.Change{Act: models.ActCancel})
		require.NoError(t, err)
		in.Redelivery = true
		start := b.Now()
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryDelivered, b.delivery(t, in.DeliveryID).Status)
		require.WithinDuration(t, start.Add(models.ClaimTime), b.receiver.times[0], 5*time.Second)
	})

	t.Run("when it is delivered meanwhile nothing is sent again", func(t *testing.T) {
		t.Parallel()
		b, in := claimed(t)
		in.Redelivery = true
		b.RegisterDelayedCallback(func() {
			attempt := &models.Attempt{DeliveryID: in.DeliveryID, Number: 1, StartedAt: b.Now(), Exchange: answer(204)}
			require.NoError(t, b.store.Store.RecordAttempt(t.Context(), attempt, models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		}, 10*time.Second)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Empty(t, b.receiver.times)
	})
}
