package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// group is a story of three events that one workflow delivers.
type group struct {
	answers     []int
	subscribers int                                                                                 // 0: one
	before      func(t *testing.T, n *node, id string, sub *models.Subscription, eventIDs []string) // nil: nothing
}

func (g group) play(t *testing.T, n *node) string {
	t.Helper()
	receiver := newSink(t, g.answers...)
	var sub *models.Subscription
	for range max(g.subscribers, 1) {
		sub = n.subscribe(t, receiver.url, time.Second)
	}
	id, in := models.NewGroupWorkflowID(), workflows.DeliverEventsInput{Tenant: models.DefaultTenant}
	for range 3 {
		in.EventIDs = append(in.EventIDs, n.accept(t).ID)
	}
	if g.before != nil {
		g.before(t, n, id, sub, in.EventIDs)
	}
	_, err := n.temporal.ExecuteWorkflow(t.Context(), workflows.GroupOptions(id, in, workflows.TaskQueue), workflows.DeliverEventsName, in)
	require.NoError(t, err)
	n.awaitClosed(t, id)
	return id
}

// planBefore has a worker die after the plan.
func planBefore(t *testing.T, n *node, id string, _ *models.Subscription, eventIDs []string) {
	t.Helper()
	_, err := n.store.PlanGroup(t.Context(), id, eventIDs, func(string, int) bool { return true })
	require.NoError(t, err)
}

// attemptBefore has a worker die after two attempts, one of which has failed.
func attemptBefore(t *testing.T, n *node, id string, sub *models.Subscription, eventIDs []string) {
	t.Helper()
	planBefore(t, n, id, sub, eventIDs)
	for i, outcome := range []models.DeliveryOutcome{
		{Status: models.DeliveryDelivered}, {Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Second)},
	} {
		found, err := n.store.Deliveries(t.Context(), models.DeliveryFilter{EventID: eventIDs[i]})
		require.NoError(t, err)
		require.Len(t, found, 1)
		attempt := &models.Attempt{DeliveryID: found[0].ID, Number: 1, StartedAt: time.Now()}
		require.NoError(t, n.store.RecordAttempt(t.Context(), attempt, outcome))
	}
}

func pauseBefore(t *testing.T, n *node, _ string, sub *models.Subscription, _ []string) {
	t.Helper()
	n.setStatus(t, sub, models.SubscriptionPaused)
}

func cancelBefore(t *testing.T, n *node, _ string, sub *models.Subscription, _ []string) {
	t.Helper()
	_, err := n.store.CancelWaiting(t.Context(), sub.ID, models.Why{Reason: "enough"})
	require.NoError(t, err)
}

// planElsewhere has another workflow plan the events.
func planElsewhere(t *testing.T, n *node, _ string, sub *models.Subscription, eventIDs []string) {
	t.Helper()
	planBefore(t, n, models.NewGroupWorkflowID(), sub, eventIDs)
}
