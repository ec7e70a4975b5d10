package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

var record = flag.Bool("record", false, "write the histories that workflows/testdata/replay does not have yet")

// scenario plays one story and returns the workflow whose history tells it.
type scenario func(t *testing.T, n *node) (workflowID string)

// scenarios are the stories that the replay test needs a history of, by the file's name.
var scenarios = map[string]scenario{
	"event_without_subscribers":  eventTo(0),
	"event_to_three":             eventTo(3),
	"event_in_batches":           eventTo(201),
	"batch":                      batchOf201,
	"delivered_at_once":          delivery{answers: []int{204}}.play,
	"delivered_locally":          delivery{answers: []int{204}, local: true}.play,
	"delivered_at_third":         delivery{answers: []int{500, 503, 204}, schedule: seconds(1, 1)}.play,
	"delivered_after_local":      delivery{answers: []int{500, 204}, schedule: seconds(1), local: true}.play,
	"exhausted":                  delivery{answers: []int{500}, schedule: seconds(1)}.play,
	"gone":                       delivery{answers: []int{410}}.play,
	"waiting":                    delivery{answers: []int{500}, schedule: seconds(3600), then: stay}.play,
	"cancelled_by_signal":        delivery{answers: []int{500}, schedule: seconds(3600), then: cancelBySignal}.play,
	"cancelled_in_temporal":      delivery{answers: []int{500}, schedule: seconds(3600), then: cancelWorkflow}.play,
	"cancelled_while_attempting": cancelWhileAttempting,
	"redelivered":                delivery{answers: []int{500, 204}, schedule: seconds(3600), then: redeliver}.play,
	"redelivered_after_local":    delivery{answers: []int{500, 204}, schedule: seconds(3600), local: true, then: redeliver}.play,
}

// TestScenarios makes sure that there is a history of every story. With -record it plays the stories that have none on a
// real server and writes it; existing ones are what released code did, and are never overwritten.
func TestScenarios(t *testing.T) {
	for name, play := range scenarios {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("..", "..", "workflows", "testdata", "replay", name+".json")
			if _, err := os.Stat(path); !*record || err == nil {
				require.NoError(t, err, "record it with: make record")
				return
			}
			n := devHere(t)
			text, err := protojson.Marshal(n.history(t, play(t, n)))
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
			require.NoError(t, os.WriteFile(path, text, 0o600))
		})
	}
}

func seconds(list ...int) []time.Duration {
	delays := make([]time.Duration, len(list))
	for i, s := range list {
		delays[i] = time.Duration(s) * time.Second
	}
	return delays
}

// eventTo plays an event with so many subscribers.
func eventTo(subscribers int) scenario {
	return func(t *testing.T, n *node) string {
		t.Helper()
		receiver := newSink(t, 204)
		for range subscribers {
			n.subscribe(t, receiver.url)
		}
		event := n.accept(t)
		n.dispatch.Wake(event)
		id := workflows.EventWorkflowID(event.ID)
		n.awaitClosed(t, id)
		return id
	}
}

func batchOf201(t *testing.T, n *node) string {
	t.Helper()
	event, _ := workflows.EventID(eventTo(201)(t, n))
	id := workflows.BatchWorkflowID(event, 200, 201)
	n.awaitClosed(t, id)
	return id
}

// delivery is a story of one delivery.
type delivery struct {
	answers  []int
	schedule []time.Duration
	local    bool
	then     func(t *testing.T, n *node, id string) // what happens while it waits to retry; nil: nothing
}

func (d delivery) play(t *testing.T, n *node) string {
	t.Helper()
	n.subscribe(t, newSink(t, d.answers...).url, d.schedule...)
	event := n.accept(t)
	id := n.startDelivery(t, event, d.local)
	if d.then != nil {
		require.Eventually(t, func() bool { return n.backingOff(t, id) }, deliveryLimit, 20*time.Millisecond)
		d.then(t, n, id)
		return id
	}
	n.awaitClosed(t, id)
	return id
}

func stay(*testing.T, *node, string) {}

func cancelBySignal(t *testing.T, n *node, id string) {
	t.Helper()
	delivery, _ := workflows.DeliveryID(id)
	require.NoError(t, n.control.Cancel(t.Context(), delivery, "wrong data", "ops"))
	n.awaitClosed(t, id)
}

func cancelWorkflow(t *testing.T, n *node, id string) {
	t.Helper()
	require.NoError(t, n.temporal.CancelWorkflow(t.Context(), id, ""))
	n.awaitClosed(t, id)
}

// cancelWhileAttempting plays a cancel signal that arrives while the receiver takes its time.
func cancelWhileAttempting(t *testing.T, n *node) string {
	t.Helper()
	receiver := newSink(t, 500)
	hold := receiver.hold(t)
	n.subscribe(t, receiver.url, time.Hour)
	id := n.startDelivery(t, n.accept(t), false)
	<-hold.arrived
	delivery, _ := workflows.DeliveryID(id)
	require.NoError(t, n.control.Cancel(t.Context(), delivery, "wrong data", "ops"))
	require.Eventually(t, func() bool { return n.has(t, id, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) },
		deliveryLimit, 20*time.Millisecond)
	hold.release()
	n.awaitClosed(t, id)
	return id
}

// has reports whether the workflow's history has an event of the type.
func (n *node) has(t *testing.T, workflowID string, eventType enumspb.EventType) bool {
	t.Helper()
	return slices.ContainsFunc(n.history(t, workflowID).GetEvents(), func(e *historypb.HistoryEvent) bool {
		return e.GetEventType() == eventType
	})
}

func redeliver(t *testing.T, n *node, id string) {
	t.Helper()
	delivery, _ := workflows.DeliveryID(id)
	require.NoError(t, n.control.Redeliver(t.Context(), delivery, "ops"))
	n.awaitClosed(t, id)
}

// startDelivery plans an event with one subscriber and starts the delivery's workflow directly.
func (n *node) startDelivery(t *testing.T, event *models.Event, local bool) (workflowID string) {
	t.Helper()
	_, err := n.store.PlanDeliveries(t.Context(), event.ID)
	require.NoError(t, err)
	targets, err := n.store.Targets(t.Context(), event.ID, 0, 1)
	require.NoError(t, err)
	require.Len(t, targets, 1)
	in := workflows.DeliverToSubscriberInput{
		DeliveryID: targets[0].DeliveryID, EventID: event.ID, SubscriptionID: targets[0].SubscriptionID,
		Tenant: event.Tenant, EventType: event.Type, Host: targets[0].Host, Local: local,
	}
	run, err := n.temporal.ExecuteWorkflow(t.Context(),
		workflows.DeliveryOptions(in, workflows.TaskQueue), workflows.DeliverToSubscriberName, in)
	require.NoError(t, err)
	return run.GetID()
}

// awaitClosed waits until the workflow has closed, however it did.
func (n *node) awaitClosed(t *testing.T, workflowID string) {
	t.Helper()
	require.Eventually(t, func() bool {
		described, err := n.temporal.DescribeWorkflowExecution(t.Context(), workflowID, "")
		return err == nil && described.GetWorkflowExecutionInfo().GetCloseTime() != nil
	}, deliveryLimit, 20*time.Millisecond)
}
