package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

func TestTemporalAwayWhileEventsAreAccepted(t *testing.T) {
	t.Parallel()
	const count = 50
	address := freeAddress(t)
	env := append(serverEnv(pgtest.URL(t)), "TEMPORAL_ADDRESS="+address, "POSTHASTE_ALLOW_NETWORKS=127.0.0.0/8")
	migrate := start(t, env, "migrate", "up")
	require.Zero(t, migrate.exitCode())
	api := start(t, env, "api", "--listen", "127.0.0.1:0")
	api.key = testKey
	work := start(t, env, "worker")
	receiver := newSink(t, 204)
	_, secret := api.subscribe(receiver.url, nil)
	receiver.trust(secret)
	for i := range count {
		api.publish(i)
	}
	var ready struct{ Status, Store, Temporal string }
	api.call(200, "GET", "/readyz", nil, &ready)
	require.Equal(t, "away", ready.Temporal, "what is published is accepted all the same")
	require.Equal(t, "ready", ready.Store)
	require.Zero(t, receiver.events())

	temporal, err := engine.Start(t.Context(), engine.Options{
		Listen: address, Store: engine.SQLite(t.TempDir()), Namespace: "elsewhere",
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Stop(context.Background())) })
	require.Eventually(t, func() bool { return len(api.deliveries("status=delivered&limit=200")) == count },
		2*deliveryLimit, 200*time.Millisecond)
	require.Equal(t, count, receiver.events())
	receiver.requireValid(t)
	require.Zero(t, work.interrupt())
	require.Zero(t, api.interrupt())
}

func TestDispatchedTwiceIsOneWorkflow(t *testing.T) {
	t.Parallel()
	n := devHere(t)
	receiver := newSink(t, 204)
	n.subscribe(t, receiver.url)
	event := n.accept(t)
	for range 5 {
		other := worker.NewDispatcher(worker.DispatcherOptions{
			Client: n.temporal, Control: n.control, Store: n.store, Logger: quiet,
		})
		n.inBackground("another dispatcher", other.Run)
		other.Wake(event, event)
	}
	n.dispatch.Wake(event)
	require.Eventually(t, func() bool { return n.count(t, event.ID, models.DeliveryDelivered) == 1 },
		deliveryLimit, 20*time.Millisecond)
	n.awaitClosed(t, models.EventWorkflowID(event.ID))
	in := workflows.DeliverEventInput{EventID: event.ID, Tenant: event.Tenant, EventType: event.Type}
	first, err := n.temporal.DescribeWorkflowExecution(t.Context(), models.EventWorkflowID(event.ID), "")
	require.NoError(t, err)
	again, err := n.temporal.ExecuteWorkflow(t.Context(), workflows.EventOptions(in, workflows.TaskQueue), workflows.DeliverEventName, in)
	require.NoError(t, err)
	require.Equal(t, first.GetWorkflowExecutionInfo().GetExecution().GetRunId(), again.GetRunID(), "also after all is done")
	require.Eventually(t, func() bool { return len(n.list(t, "EventID = '"+event.ID+"'")) == 2 },
		deliveryLimit, 20*time.Millisecond, "one workflow of the event, one of its delivery")
	require.Equal(t, 1, receiver.times(event.ID))
}

func TestOverdueDeliveryWithoutWorkflowIsRevived(t *testing.T) {
	t.Parallel()
	n := devHere(t)
	receiver := newSink(t, 500, 204)
	n.subscribe(t, receiver.url, time.Second)
	event := n.accept(t)
	_, err := n.store.PlanDeliveries(t.Context(), event.ID, nil) // the plan is stored, but no workflow will ever start
	require.NoError(t, err)
	reviver := worker.NewDispatcher(worker.DispatcherOptions{
		Client: n.temporal, Control: n.control, Store: n.store, Logger: quiet, ReviveEvery: 50 * time.Millisecond, OverdueAfter: time.Millisecond,
	})
	n.inBackground("reviver", reviver.Run)
	require.Eventually(t, func() bool { return n.count(t, event.ID, models.DeliveryDelivered) == 1 },
		deliveryLimit, 20*time.Millisecond)
	require.Equal(t, 2, receiver.times(event.ID))
}

// TestThousandSubscribers runs alone: it hardly waits, and beside others each of them would take many times as long.
func TestThousandSubscribers(t *testing.T) {
	const subscribers = 1000
	n := devHere(t)
	receiver := newSink(t, 204)
	for i := range subscribers {
		n.subscribe(t, fmt.Sprintf("%s?subscriber=%d", receiver.url, i))
	}
	event := n.accept(t)
	n.dispatch.Wake(event)
	require.Eventually(t, func() bool { return n.count(t, event.ID, models.DeliveryDelivered) == subscribers },
		5*time.Minute, 200*time.Millisecond)
	require.Equal(t, subscribers, receiver.times(event.ID))

	parents := append(n.list(t, "WorkflowType = 'DeliverBatch'"), models.EventWorkflowID(event.ID))
	require.Len(t, parents, 6)
	total := 0
	for _, parent := range parents {
		children := 0
		for _, e := range n.history(t, parent).GetEvents() {
			if e.GetEventType() == enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED {
				children++
			}
		}
		require.LessOrEqual(t, children, models.MaxTargets, "%s never had more children than that, let alone pending ones", parent)
		total += children
	}
	require.Equal(t, subscribers+5, total)
}

func TestResetButtonTriesNow(t *testing.T) {
	t.Parallel()
	for name, local := range map[string]bool{"after a regular attempt": false, "after a local attempt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := devHere(t)
			receiver := newSink(t, 500, 204)
			n.subscribe(t, receiver.url, time.Hour)
			event := n.accept(t)
			id := n.startDelivery(t, event, local)
			require.Eventually(t, func() bool { return n.backingOff(t, id) }, deliveryLimit, 20*time.Millisecond)
			require.Equal(t, 1, receiver.times(event.ID))

			_, err := n.temporal.WorkflowService().ResetActivityExecution(t.Context(), &workflowservice.ResetActivityExecutionRequest{
				Namespace: n.namespace, WorkflowId: id, ActivityId: n.pendingActivity(t, id),
			})
			require.NoError(t, err)
			n.awaitClosed(t, id)
			require.Equal(t, 2, receiver.times(event.ID))
		})
	}
}

// TestAttemptsTakeTurns looks at what Temporal was told: its own tests see that it heeds it.
func TestAttemptsTakeTurns(t *testing.T) {
	t.Parallel()
	n := devHere(t)
	receiver := newSink(t, 204)
	n.subscribe(t, receiver.url, time.Hour)
	id := n.startDelivery(t, n.accept(t), false)
	n.awaitClosed(t, id)
	var keys []string
	for _, event := range n.history(t, id).GetEvents() {
		if attempt := event.GetActivityTaskScheduledEventAttributes(); attempt != nil {
			keys = append(keys, attempt.GetPriority().GetFairnessKey())
		}
	}
	require.Len(t, keys, 1)
	require.Regexp(t, "^"+models.DefaultTenant+"~[0-9a-f]$", keys[0])
}

// backingOff reports whether an attempt failed and the next one waits, with the failure in words.
func (n *node) backingOff(t *testing.T, workflowID string) bool {
	t.Helper()
	described, err := n.temporal.DescribeWorkflowExecution(t.Context(), workflowID, "")
	require.NoError(t, err)
	for _, pending := range described.GetPendingActivities() {
		if pending.GetLastFailure() != nil && time.Until(pending.GetScheduledTime().AsTime()) > time.Minute {
			require.Contains(t, pending.GetLastFailure().GetMessage(), "answered 500")
			return true
		}
	}
	return false
}

func (n *node) pendingActivity(t *testing.T, workflowID string) string {
	t.Helper()
	described, err := n.temporal.DescribeWorkflowExecution(t.Context(), workflowID, "")
	require.NoError(t, err)
	require.Len(t, described.GetPendingActivities(), 1)
	return described.GetPendingActivities()[0].GetActivityId()
}
