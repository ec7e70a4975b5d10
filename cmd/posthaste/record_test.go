package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

var record = flag.Bool("record", false, "write the histories that workflows/testdata/replay does not have yet")

// scenario plays one story and returns the workflow whose history tells it.
type scenario func(t *testing.T, n *node) (workflowID string)

// recordedHold is long enough to act on a dead letter, and short enough to see the end of one.
const recordedHold = 10 * time.Second

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
	"exhausted":                  delivery{answers: []int{500}, schedule: seconds(1)}.play, // recorded before dead letters were kept
	"gone":                       delivery{answers: []int{410}}.play,
	"waiting":                    delivery{answers: []int{500}, schedule: seconds(3600), then: stay}.play,
	"cancelled_by_signal":        delivery{answers: []int{500}, schedule: seconds(3600), then: cancelBySignal}.play,
	"cancelled_in_temporal":      delivery{answers: []int{500}, schedule: seconds(3600), then: cancelWorkflow}.play,
	"cancelled_while_attempting": cancelWhileAttempting,
	"redelivered":                delivery{answers: []int{500, 204}, schedule: seconds(3600), then: redeliver}.play,
	"redelivered_after_local":    delivery{answers: []int{500, 204}, schedule: seconds(3600), local: true, then: redeliver}.play,

	"exhausted_and_kept":         delivery{answers: []int{500}, schedule: seconds(1), until: models.DeliveryExhausted, then: stay}.play,
	"exhausted_and_redelivered":  delivery{answers: []int{500, 500, 204}, schedule: seconds(1), until: models.DeliveryExhausted, then: redeliver}.play,
	"exhausted_and_cancelled":    delivery{answers: []int{500}, schedule: seconds(1), until: models.DeliveryExhausted, then: cancelBySignal}.play,
	"exhausted_after_the_hold":   delivery{answers: []int{500}, schedule: seconds(1)}.play,
	"held":                       delivery{answers: []int{204}, paused: true, until: models.DeliveryHeld, then: stay}.play,
	"held_and_resumed":           delivery{answers: []int{204}, paused: true, until: models.DeliveryHeld, then: resumeHeld}.play,
	"held_and_cancelled":         delivery{answers: []int{204}, paused: true, until: models.DeliveryHeld, then: cancelBySignal}.play,
	"held_and_resumed_too_early": delivery{answers: []int{204}, paused: true, until: models.DeliveryHeld, then: resumeTooEarly}.play,
	"paused_while_waiting":       delivery{answers: []int{500, 204}, schedule: seconds(3600), then: pauseAndResume}.play,
	"redelivered_after_closing":  delivery{answers: []int{204}, then: redeliver, until: models.DeliveryDelivered}.play,
	"event_inline":               inline(204),
	"event_inline_failing":       inline(500),
	"redelivered_after_inline":   redeliverAfterInline,
	"continued_after_inline":     continueAfterInline,
	"redelivered_while_closing":  redeliverWhileClosing,
	"job_that_cancels":           jobThatCancels,
	"job_that_resumes":           jobThatResumes,
	"recovery":                   recoverDelivered,
	"recovery_cancelled":         cancelRecovery,
	"retrying":                   delivery{answers: []int{500}, schedule: seconds(3600), tells: true, then: stay}.play,
	"retrying_after_local":       delivery{answers: []int{500, 204}, schedule: seconds(1), local: true, tells: true}.play,
	"retrying_and_delivered":     delivery{answers: []int{500, 503, 204}, schedule: seconds(1, 1), tells: true}.play,
	"retrying_and_exhausted":     delivery{answers: []int{500}, schedule: seconds(1), tells: true}.play,
	"retrying_and_cancelled":     delivery{answers: []int{500}, schedule: seconds(3600), tells: true, then: cancelBySignal}.play,
	"retrying_and_redelivered":   delivery{answers: []int{500, 204}, schedule: seconds(3600), tells: true, then: redeliver}.play,
	"retrying_and_paused":        delivery{answers: []int{500, 204}, schedule: seconds(3600), tells: true, then: pauseAndResume}.play,

	"group_settled":   group{answers: []int{204}}.play,
	"group_failing":   group{answers: []int{204, 500, 503, 204}}.play,
	"group_refused":   group{answers: []int{500, 204}}.play, // by a subscriber that is not known: the others are given back
	"group_planned":   group{answers: []int{204}, before: planBefore}.play,
	"group_attempted": group{answers: []int{204}, before: attemptBefore}.play,
	"group_wide":      group{answers: []int{204}, subscribers: models.MaxTargets + 1}.play,
	"group_paused":    group{answers: []int{204}, before: pauseBefore}.play,
	"group_cancelled": group{answers: []int{204}, before: cancelBefore}.play,
	"group_lost":      group{answers: []int{204}, before: planElsewhere}.play,
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
			n := devHolding(t, recordedHold)
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
		id := models.EventWorkflowID(event.ID)
		n.awaitClosed(t, id)
		return id
	}
}

func batchOf201(t *testing.T, n *node) string {
	t.Helper()
	event, _ := models.EventOfWorkflow(eventTo(201)(t, n))
	id := models.BatchWorkflowID(event, 200, 201)
	n.awaitClosed(t, id)
	return id
}

// playInline plays an event whose first attempt its own workflow makes, answered by the status.
func playInline(t *testing.T, n *node, status int) (event *models.Event, delivery string) {
	t.Helper()
	n.subscribe(t, newSink(t, 204, status, 204).url, time.Second)
	n.awaitClosed(t, n.startDelivery(t, n.accept(t), false)) // now it is known to answer fast
	event = n.accept(t)
	in := workflows.DeliverEventInput{EventID: event.ID, Tenant: event.Tenant, EventType: event.Type, Inline: true}
	run, err := n.temporal.ExecuteWorkflow(t.Context(), workflows.EventOptions(in, workflows.TaskQueue), workflows.DeliverEventName, in)
	require.NoError(t, err)
	n.awaitClosed(t, run.GetID())
	found, err := n.store.Deliveries(t.Context(), models.DeliveryFilter{EventID: event.ID})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return event, models.DeliveryWorkflowID(found[0].ID)
}

func inline(status int) scenario {
	return func(t *testing.T, n *node) string {
		t.Helper()
		event, _ := playInline(t, n, status)
		return models.EventWorkflowID(event.ID)
	}
}

func redeliverAfterInline(t *testing.T, n *node) string {
	t.Helper()
	_, id := playInline(t, n, 204)
	redeliver(t, n, id)
	return id
}

func continueAfterInline(t *testing.T, n *node) string {
	t.Helper()
	_, id := playInline(t, n, 500)
	n.awaitClosed(t, id)
	return id
}

// delivery is a story of one delivery.
type delivery struct {
	answers  []int
	schedule []time.Duration
	local    bool
	tells    bool                                   // as the program starts deliveries since it shows which are being retried
	paused   bool                                   // the subscription, from the start
	until    models.DeliveryStatus                  // when then happens; empty: while it waits to retry
	then     func(t *testing.T, n *node, id string) // what happens then; nil: nothing
}

func (d delivery) play(t *testing.T, n *node) string {
	t.Helper()
	sub := n.subscribe(t, newSink(t, d.answers...).url, d.schedule...)
	if d.paused {
		n.setStatus(t, sub, models.SubscriptionPaused)
	}
	id := n.startDeliveryAs(t, n.accept(t), workflows.DeliverToSubscriberInput{Local: d.local, Tells: d.tells})
	if d.then == nil {
		n.awaitClosed(t, id)
		return id
	}
	n.awaitStage(t, id, d.until)
	d.then(t, n, id)
	return id
}

// awaitStage waits until the workflow has come to rest in the status.
func (n *node) awaitStage(t *testing.T, id string, status models.DeliveryStatus) {
	t.Helper()
	require.Eventually(t, func() bool {
		switch status {
		case models.DeliveryHeld, models.DeliveryExhausted:
			return n.has(t, id, enumspb.EVENT_TYPE_TIMER_STARTED)
		case models.DeliveryDelivered:
			return n.has(t, id, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		default:
			return n.backingOff(t, id)
		}
	}, deliveryLimit, 20*time.Millisecond)
}

func stay(*testing.T, *node, string) {}

// row reads the delivery of a workflow.
func (n *node) row(t *testing.T, workflowID string) *models.Delivery {
	t.Helper()
	id, _ := models.DeliveryOfWorkflow(workflowID)
	row, err := n.store.Delivery(t.Context(), id)
	require.NoError(t, err)
	return row
}

func (n *node) subscriptionOf(t *testing.T, workflowID string) *models.Subscription {
	t.Helper()
	sub, err := n.store.Subscription(t.Context(), n.row(t, workflowID).SubscriptionID)
	require.NoError(t, err)
	return sub
}

var ops = models.Why{By: "ops", Reason: "wrong data"}

func cancelBySignal(t *testing.T, n *node, id string) {
	t.Helper()
	require.NoError(t, n.control.Cancel(t.Context(), n.row(t, id), ops, 0))
	n.awaitClosed(t, id)
}

func resumeHeld(t *testing.T, n *node, id string) {
	t.Helper()
	n.setStatus(t, n.subscriptionOf(t, id), models.SubscriptionActive)
	n.awaitClosed(t, id)
}

// resumeTooEarly plays a resume signal while the subscription is still paused.
func resumeTooEarly(t *testing.T, n *node, id string) {
	t.Helper()
	require.NoError(t, n.control.Resume(t.Context(), n.row(t, id)))
	require.Eventually(t, func() bool { return n.times(t, id, enumspb.EVENT_TYPE_TIMER_STARTED) == 2 },
		deliveryLimit, 20*time.Millisecond)
	resumeHeld(t, n, id)
}

func pauseAndResume(t *testing.T, n *node, id string) {
	t.Helper()
	n.setStatus(t, n.subscriptionOf(t, id), models.SubscriptionPaused)
	resumeHeld(t, n, id)
}

// redeliverWhileClosing plays a redelivery of what was seen delivered, before the workflow has closed.
func redeliverWhileClosing(t *testing.T, n *node) string {
	t.Helper()
	receiver := newSink(t, 204)
	hold := receiver.hold(t)
	n.subscribe(t, receiver.url, time.Hour)
	id := n.startDelivery(t, n.accept(t), true)
	<-hold.arrived
	seen := n.row(t, id)
	seen.Attempts = 1
	require.NoError(t, n.control.Redeliver(t.Context(), seen, ops, "", 0))
	hold.release()
	n.awaitClosed(t, id)
	return id
}

// jobThatCancels plays a job on three deliveries that wait.
func jobThatCancels(t *testing.T, n *node) string {
	t.Helper()
	sub := n.subscribe(t, newSink(t, 500).url, time.Hour)
	for range 3 {
		n.awaitStage(t, n.startDelivery(t, n.accept(t), false), models.DeliveryPending)
	}
	return n.playJob(t, models.Job{
		Action: models.JobCancel, Tenant: sub.Tenant, Rate: models.MaxRate, Why: ops,
		Selection: models.Selection{SubscriptionID: sub.ID, Statuses: []models.DeliveryStatus{models.DeliveryPending}},
	})
}

func jobThatResumes(t *testing.T, n *node) string {
	t.Helper()
	sub := n.subscribe(t, newSink(t, 204).url)
	n.setStatus(t, sub, models.SubscriptionPaused)
	for range 3 {
		n.awaitStage(t, n.startDelivery(t, n.accept(t), false), models.DeliveryHeld)
	}
	n.setStatus(t, sub, models.SubscriptionActive)
	id := models.ResumeJob(sub, ops).WorkflowID()
	n.awaitClosed(t, id)
	return id
}

func (n *node) playJob(t *testing.T, job models.Job) (workflowID string) {
	t.Helper()
	require.NoError(t, n.control.Start(t.Context(), job))
	id := job.WorkflowID()
	n.awaitClosed(t, id)
	return id
}

// startRecovery makes three deliveries and a recovery of them.
func startRecovery(t *testing.T, n *node, rate int) *models.Recovery {
	t.Helper()
	sub := n.subscribe(t, newSink(t, 204).url)
	for range 3 {
		n.awaitClosed(t, n.startDelivery(t, n.accept(t), false))
	}
	r := models.NewRecovery(models.Recovery{
		Tenant: sub.Tenant, SubscriptionID: sub.ID, Of: models.RecoverDelivered, Since: sub.CreatedAt, Rate: rate, Why: ops,
	}, time.Now())
	require.NoError(t, n.store.CreateRecovery(t.Context(), r))
	return r
}

func recoverDelivered(t *testing.T, n *node) string {
	t.Helper()
	return n.playJob(t, startRecovery(t, n, models.MaxRate).Job())
}

func cancelRecovery(t *testing.T, n *node) string {
	t.Helper()
	job := startRecovery(t, n, 1).Job()
	require.NoError(t, n.control.Start(t.Context(), job))
	id := job.WorkflowID()
	require.NoError(t, n.temporal.CancelWorkflow(t.Context(), id, ""))
	n.awaitClosed(t, id)
	return id
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
	require.NoError(t, n.control.Cancel(t.Context(), n.row(t, id), ops, 0))
	require.Eventually(t, func() bool { return n.has(t, id, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) },
		deliveryLimit, 20*time.Millisecond)
	hold.release()
	n.awaitClosed(t, id)
	return id
}

// has reports whether the workflow's history has an event of the type.
func (n *node) has(t *testing.T, workflowID string, eventType enumspb.EventType) bool {
	t.Helper()
	return n.times(t, workflowID, eventType) > 0
}

// times is how often it has one.
func (n *node) times(t *testing.T, workflowID string, eventType enumspb.EventType) (count int) {
	t.Helper()
	for _, event := range n.history(t, workflowID).GetEvents() {
		if event.GetEventType() == eventType {
			count++
		}
	}
	return count
}

func redeliver(t *testing.T, n *node, id string) {
	t.Helper()
	require.NoError(t, n.control.Redeliver(t.Context(), n.row(t, id), ops, "", 0))
	n.awaitClosed(t, id)
}

// startDelivery plans an event with one subscriber and starts the delivery's workflow directly.
func (n *node) startDelivery(t *testing.T, event *models.Event, local bool) (workflowID string) {
	t.Helper()
	return n.startDeliveryAs(t, event, workflows.DeliverToSubscriberInput{Local: local})
}

// startDeliveryAs is startDelivery with further fields of the input.
func (n *node) startDeliveryAs(t *testing.T, event *models.Event, in workflows.DeliverToSubscriberInput) (workflowID string) {
	t.Helper()
	_, err := n.store.PlanDeliveries(t.Context(), event.ID, nil)
	require.NoError(t, err)
	targets, err := n.store.Targets(t.Context(), event.ID, 0, 1)
	require.NoError(t, err)
	require.Len(t, targets, 1)
	in.DeliveryID, in.SubscriptionID, in.Host = targets[0].DeliveryID, targets[0].SubscriptionID, targets[0].Host
	in.EventID, in.Tenant, in.EventType = event.ID, event.Tenant, event.Type
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
