package workflows_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// registry notes what is registered.
type registry struct{ names []string }

func (r *registry) RegisterWorkflow(any) { r.names = append(r.names, "unnamed") }
func (r *registry) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	r.names = append(r.names, o.Name)
}

func (r *registry) RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions) {
	r.names = append(r.names, "dynamic")
}

// What stands here stands in the histories of running workflows. A change that fails this test breaks them: add a new
// name beside the old one instead.
func TestNamesAreFrozen(t *testing.T) {
	t.Parallel()

	t.Run("workflows", func(t *testing.T) {
		t.Parallel()
		var r registry
		workflows.Register(&r)
		require.Equal(t, []string{"DeliverEvent", "DeliverEvents", "DeliverBatch", "DeliverToSubscriber", "SteerDeliveries"}, r.names)
	})

	t.Run("activities", func(t *testing.T) {
		t.Parallel()
		var names []string
		for method := range reflect.TypeFor[*activities.Activities]().Methods() {
			names = append(names, method.Name)
		}
		slices.Sort(names)
		require.Equal(t, []string{
			"AttemptDelivery", "BringForward", "CancelDelivery", "CancelRecovery", "DeliverGroup", "ListTargets", "PlanDeliveries", "Steer",
		}, names)
	})

	t.Run("error types", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"AttemptFailed", "NotDue", "Exhausted", "Cancelled", "Gone", "Held", "Retrying"}, []string{
			activities.AttemptFailed, activities.NotDue, activities.Exhausted, activities.Cancelled, activities.Gone, activities.Held,
			activities.Retrying,
		})
	})

	t.Run("search attributes", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"Tenant", "EventType", "EventID", "SubscriptionID", "DeliveryStatus", "Receiver", "FailingSince"},
			workflows.SearchAttributes())
	})

	t.Run("inputs", func(t *testing.T) {
		t.Parallel()
		event := workflows.DeliverEventInput{EventID: "e", Tenant: "t", EventType: "y"}
		requireJSON(t, `{"event_id":"e","tenant":"t","event_type":"y"}`, event)
		requireJSON(t, `{"event_id":"e","tenant":"t","event_type":"y","inline":true}`,
			workflows.DeliverEventInput{EventID: "e", Tenant: "t", EventType: "y", Inline: true})
		requireJSON(t, `{"event_id":"e","tenant":"t","event_type":"y","inline_above":9}`,
			workflows.DeliverEventInput{EventID: "e", Tenant: "t", EventType: "y", InlineAbove: 9})
		requireJSON(t, `{"tenant":"t","event_ids":["e"]}`, workflows.DeliverEventsInput{Tenant: "t", EventIDs: []string{"e"}})
		requireJSON(t, `{"event_ids":["e"]}`, activities.DeliverGroupInput{EventIDs: []string{"e"}})
		requireJSON(t, `{"event_id":"e","claim_above":9}`, activities.PlanDeliveriesInput{EventID: "e", ClaimAbove: 9})
		requireJSON(t, `{"event_id":"e","tenant":"t","event_type":"y","from":1,"to":2}`,
			workflows.DeliverBatchInput{DeliverEventInput: event, From: 1, To: 2})
		requireJSON(t, `{"delivery_id":"d","event_id":"e","subscription_id":"s","tenant":"t","event_type":"y","host":"h","local":true,"attempted":true,"redelivery":true}`,
			workflows.DeliverToSubscriberInput{
				DeliveryID: "d", EventID: "e", SubscriptionID: "s", Tenant: "t", EventType: "y", Host: "h", Local: true,
				Attempted: true, Redelivery: true,
			})
		requireJSON(t, `{"delivery_id":"d","wait":true,"resumed":true,"claimed":true}`,
			activities.AttemptDeliveryInput{DeliveryID: "d", Wait: true, Resumed: true, Claimed: true})
		requireJSON(t, `{"delivery_id":"d","tell":true}`, activities.AttemptDeliveryInput{DeliveryID: "d", Tell: true})
		requireJSON(t, `{"delivery_id":"d","event_id":"","subscription_id":"","tenant":"","event_type":"","tells":true,"failing_since":"2026-01-02T03:04:05Z"}`,
			workflows.DeliverToSubscriberInput{DeliveryID: "d", Tells: true, FailingSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
		requireJSON(t, `{"reason":"r","by":"b"}`, workflows.CancelSignal{Reason: "r", By: "b"})
		requireJSON(t, `{"before":2}`, workflows.CancelSignal{Before: 2})
		requireJSON(t, `{"epoch":2}`, workflows.RedeliverSignal{Epoch: 2})
		requireJSON(t, `{"event_id":"e","claim":true}`, activities.PlanDeliveriesInput{EventID: "e", Claim: true})
		requireJSON(t, `{"event_id":"e","from":1,"to":2}`, activities.ListTargetsInput{EventID: "e", From: 1, To: 2})
		requireJSON(t, `{"by":"b","reason":"r","after":1,"origin":"o"}`,
			workflows.RedeliverSignal{By: "b", Reason: "r", After: 1, Origin: "o"})
		why := models.Why{By: "b", Reason: "r"}
		requireJSON(t, `{"delivery_id":"d","by":"b","reason":"r","origin":"o"}`,
			activities.CancelDeliveryInput{DeliveryID: "d", Why: why, Origin: "o"})
		requireJSON(t, `{"delivery_id":"d","after":1,"by":"b","reason":"r","origin":"o"}`,
			activities.BringForwardInput{DeliveryID: "d", After: 1, Why: why, Origin: "o"})
		requireJSON(t, `{"recovery_id":"r"}`, activities.CancelRecoveryInput{RecoveryID: "r"})
	})

	t.Run("jobs", func(t *testing.T) {
		t.Parallel()
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		job := models.Job{
			Action: models.JobRedeliver, Tenant: "t", Rate: 5, RecoveryID: "r", Why: models.Why{By: "b", Reason: "w"},
			Selection: models.Selection{
				EventID: "e", SubscriptionID: "s", Statuses: []models.DeliveryStatus{models.DeliveryHeld}, Since: at, Until: at,
			},
		}
		progress := models.Progress{After: "d", Done: 1, Skipped: 2}
		const want = `{"action":"redeliver","tenant":"t","selection":{"event_id":"e","subscription_id":"s","statuses":["held"],` +
			`"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:04:05Z"},"rate":5,"recovery_id":"r","by":"b","reason":"w",` +
			`"progress":{"after":"d","done":1,"skipped":2}}`
		requireJSON(t, want, workflows.SteerDeliveriesInput{Job: job, Progress: progress})
		requireJSON(t, want, activities.SteerInput{Job: job, Progress: progress})
		requireJSON(t, `{"progress":{"after":"d","done":1,"skipped":2},"done":true}`,
			activities.SteerResult{Progress: progress, Done: true})
		requireJSON(t, `{"after":"d","done":1,"skipped":2}`, workflows.SteerDeliveriesResult{Progress: progress})
		require.Equal(t, "recovery/r", job.WorkflowID())
		job.RecoveryID = ""
		require.Equal(t, "redeliver/e", job.WorkflowID())
		job.Selection.EventID = ""
		require.Equal(t, "redeliver/s", job.WorkflowID())
		stop := (&models.Stop{Tenant: "t", Epoch: 2}).Job()
		requireJSON(t, `{"action":"cancel","tenant":"t","selection":{"tenant":"t","statuses":["pending","held"],"before":2},"rate":1000}`, stop)
		require.Equal(t, "cancel/tenant/t/2", stop.WorkflowID())
	})

	t.Run("results", func(t *testing.T) {
		t.Parallel()
		target := models.Target{DeliveryID: "d", SubscriptionID: "s", Host: "h", Fast: true, Claimed: true, Attempted: true}
		const targets = `"targets":[{"delivery_id":"d","subscription_id":"s","host":"h","fast":true,"claimed":true,"attempted":true}]}`
		requireJSON(t, `{"deliveries":1,`+targets,
			activities.PlanDeliveriesResult{Deliveries: 1, Targets: []models.Target{target}})
		requireJSON(t, `{`+targets, activities.ListTargetsResult{Targets: []models.Target{target}})
		requireJSON(t, `{"attempt":3}`, activities.AttemptDeliveryResult{Attempt: 3})
		requireJSON(t, `{"status":"cancelled","attempts":3}`,
			activities.CancelDeliveryResult{Status: models.DeliveryCancelled, Attempts: 3})
		requireJSON(t, `{"deliveries":3}`, workflows.DeliverEventResult{Deliveries: 3})
		requireJSON(t, `{"attempt":3}`, workflows.DeliverToSubscriberResult{Attempt: 3})
		requireJSON(t, `{"events":2,"deliveries":4,"open":[{"event_id":"e","event_type":"y","delivery_id":"d","subscription_id":"s",`+
			`"failing_since":"2026-01-02T03:04:05Z"}],"others":[{"event_id":"e","event_type":"y"}]}`,
			activities.DeliverGroupResult{
				Events: 2, Deliveries: 4, Others: []models.EventRef{{EventID: "e", EventType: "y"}},
				Open: []models.GroupTarget{{
					EventRef: models.EventRef{EventID: "e", EventType: "y"}, Target: models.Target{DeliveryID: "d", SubscriptionID: "s"},
					FailingSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				}},
			})
		requireJSON(t, `{"events":4,"deliveries":3,"open":2,"others":1}`,
			workflows.DeliverEventsResult{Events: 4, Deliveries: 3, Open: 2, Others: 1})
	})
}

func requireJSON(t *testing.T, want string, value any) {
	t.Helper()
	got, err := json.Marshal(value)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}
