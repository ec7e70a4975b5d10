package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// racedTogether is how many events share a workflow in the races below.
const racedTogether = 10

// raceGroups delivers events in groups, acts on the delivery of each event at a random time, and requires that every
// delivery comes to rest in one of the statuses, with as many attempts on record as arrived.
func (n *node) raceGroups(t *testing.T, r *tracker, act func(*models.Delivery) error, allowed ...models.DeliveryStatus) {
	t.Helper()
	var group errgroup.Group
	var events []string
	for range raced / racedTogether {
		in := workflows.DeliverEventsInput{Tenant: models.DefaultTenant}
		for range racedTogether {
			in.EventIDs = append(in.EventIDs, n.accept(t).ID)
		}
		options := workflows.GroupOptions(models.NewGroupWorkflowID(), in, workflows.TaskQueue)
		_, err := n.temporal.ExecuteWorkflow(t.Context(), options, workflows.DeliverEventsName, in)
		require.NoError(t, err)
		for _, id := range in.EventIDs {
			group.Go(func() error { return act(n.planned(t, id)) })
		}
		events = append(events, in.EventIDs...)
	}
	require.NoError(t, group.Wait())
	for _, id := range events {
		n.requireRest(t, r, id, allowed...)
	}
	require.Empty(t, r.overlaps, "two attempts of one delivery at a time")
}

// planned waits until the event is planned, and returns its delivery.
func (n *node) planned(t *testing.T, eventID string) *models.Delivery {
	for range int(deliveryLimit / (5 * time.Millisecond)) {
		found, err := n.store.Deliveries(t.Context(), models.DeliveryFilter{EventID: eventID})
		if err == nil && len(found) == 1 {
			return found[0]
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("%s was not planned", eventID)
	return &models.Delivery{}
}

func (n *node) requireRest(t *testing.T, r *tracker, eventID string, allowed ...models.DeliveryStatus) {
	t.Helper()
	var row *models.Delivery
	require.Eventually(t, func() bool {
		row = n.planned(t, eventID)
		return row.Status.Closed()
	}, deliveryLimit, 50*time.Millisecond)
	require.Contains(t, allowed, row.Status)
	if found := n.list(t, "WorkflowId = '"+models.DeliveryWorkflowID(row.ID)+"'"); len(found) > 0 {
		n.awaitClosed(t, found[0])
	}
	n.requireNumbered(t, r, n.planned(t, eventID))
}

func TestCancelRacesGroup(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 0)
	n.subscribe(t, r.url, tenths(2)...)
	n.raceGroups(t, r, func(d *models.Delivery) error {
		<-time.After(upTo(150 * time.Millisecond))
		_ = n.control.Cancel(t.Context(), d, models.Why{By: "race"}, 0) // it may have been delivered
		return nil
	}, models.DeliveryDelivered, models.DeliveryCancelled)
}

func TestRedeliverRacesGroup(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 0)
	n.subscribe(t, r.url, tenths(5)...)
	n.raceGroups(t, r, func(d *models.Delivery) error {
		<-time.After(upTo(150 * time.Millisecond))
		now, err := n.store.Delivery(t.Context(), d.ID)
		if err != nil {
			return err
		}
		return n.control.Redeliver(t.Context(), now, models.Why{By: "race"}, "", 0)
	}, models.DeliveryDelivered)
}

func TestPauseRacesGroup(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 0)
	sub := n.subscribe(t, r.url, tenths(10)...)
	toggled := make(chan struct{})
	go func() {
		defer close(toggled)
		for range 10 {
			<-time.After(upTo(100 * time.Millisecond))
			n.setStatus(t, sub, models.SubscriptionPaused)
			<-time.After(upTo(100 * time.Millisecond))
			n.setStatus(t, sub, models.SubscriptionActive)
		}
	}()
	n.raceGroups(t, r, func(*models.Delivery) error { return nil }, models.DeliveryDelivered)
	<-toggled
	require.Zero(t, r.most(1), "each was delivered once")
}
