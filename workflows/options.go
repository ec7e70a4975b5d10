package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

const (
	// attemptTimeout covers the longest attempt and its recording. It is also the time after which the death of a worker
	// during an attempt is noticed.
	attemptTimeout = models.AttemptTime
	// localTimeout bounds the time for which our own work holds a workflow task; longer work becomes a regular activity.
	localTimeout = 5 * time.Second
	// bookkeepingTimeout covers planning an event with a hundred thousand subscribers.
	bookkeepingTimeout = 5 * time.Minute
	// roundHeartbeat is the time after which the death of a worker that carries out a job is noticed.
	roundHeartbeat = 30 * time.Second
	// maxFairnessKey is Temporal's limit, in bytes.
	maxFairnessKey = 64
	// attemptGroups is the number of groups of a tenant's subscriptions. It bounds the turns of the tenant's attempts for
	// each turn of another tenant's.
	attemptGroups = 16
)

// untilMended retries our own failures for as long as they last. The receiver's failures bring their own delay.
func untilMended() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
}

// forAttempt sets the options of an attempt as a regular activity: the Web UI shows its attempts, last failure and next
// time. A cancellation waits for an attempt under way, so that two never run at once.
func forAttempt(ctx workflow.Context, in DeliverToSubscriberInput, host string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: attemptTimeout,
		WaitForCancellation: true,
		RetryPolicy:         untilMended(),
		Summary:             "POST to " + code(host, maxWord),
		Priority:            temporal.Priority{FairnessKey: attemptFairnessKey(in)},
	})
}

// forLocalAttempt sets the options of an attempt within the workflow task, which is tried once.
func forLocalAttempt(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: attemptTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// forBookkeeping sets the options of our own work on the store, local at first and regular after that.
func forBookkeeping(ctx workflow.Context) workflow.Context {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: localTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: bookkeepingTimeout,
		RetryPolicy:         untilMended(),
	})
}

// forGroup sets the options of a group's work, which is bookkeeping that also makes attempts.
func forGroup(ctx workflow.Context) workflow.Context {
	return forLocalAttempt(forBookkeeping(ctx))
}

// forRound sets the options of one round of a job. Its heartbeats carry the progress: when a worker dies, another
// continues from there.
func forRound(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: activities.RoundLength + bookkeepingTimeout,
		HeartbeatTimeout:    roundHeartbeat,
		WaitForCancellation: true,
		RetryPolicy:         untilMended(),
	})
}

// deadLetterTimer fires when the hold of a dead letter is over.
func deadLetterTimer(ctx workflow.Context, hold time.Duration) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, hold, workflow.TimerOptions{Summary: "Exhausted: kept for redeliver or cancel"})
}

// heldTimer fires when a held delivery should check by itself whether it may go.
func heldTimer(ctx workflow.Context) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, checkHeldEvery, workflow.TimerOptions{Summary: "Held: until the subscription is resumed"})
}

// forDelivery sets the options of a delivery's workflow. A delivery that ran before is not run again by its event.
func forDelivery(ctx workflow.Context, in DeliverToSubscriberInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            models.DeliveryWorkflowID(in.DeliveryID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: deliveryAttributes(in),
		StaticSummary:         deliverySummary(in),
		StaticDetails:         deliveryDetails(in),
	})
}

// forEvent sets the options of the workflow of an event that a group leaves to it.
func forEvent(ctx workflow.Context, in DeliverEventInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            models.EventWorkflowID(in.EventID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		TypedSearchAttributes: eventAttributes(in),
		StaticSummary:         eventSummary(in),
		StaticDetails:         eventDetails(in),
	})
}

// forBatch sets the options of a part of a wide fan-out. It may run again when its event does: the store decides which
// deliveries have to be started.
func forBatch(ctx workflow.Context, in DeliverBatchInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            models.BatchWorkflowID(in.EventID, in.From, in.To),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes: eventAttributes(in.DeliverEventInput),
		StaticSummary:         batchSummary(in),
	})
}

// EventOptions returns the options with which a client starts DeliverEvent. Starting an event that runs, or ran well,
// changes nothing; an event that was terminated from outside before it was planned may start again.
func EventOptions(in DeliverEventInput, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       models.EventWorkflowID(in.EventID),
		TaskQueue:                taskQueue,
		EnableEagerStart:         true,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 fairly(in.Tenant),
		TypedSearchAttributes:    eventAttributes(in),
		StaticSummary:            eventSummary(in),
		StaticDetails:            eventDetails(in),
	}
}

// GroupOptions returns the options with which a client starts DeliverEvents under the id.
func GroupOptions(id string, in DeliverEventsInput, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                    id,
		TaskQueue:             taskQueue,
		EnableEagerStart:      true,
		Priority:              fairly(in.Tenant),
		TypedSearchAttributes: groupAttributes(in),
		StaticSummary:         groupSummary(in),
	}
}

// EventAgainOptions returns EventOptions for an event that is not planned in the store although its workflow ran well. It
// plans once, whatever ran before.
func EventAgainOptions(in DeliverEventInput, taskQueue string) client.StartWorkflowOptions {
	options := EventOptions(in, taskQueue)
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	return options
}

// DeliveryOptions returns the options with which a client starts DeliverToSubscriber for a delivery that lost its workflow.
// A workflow that runs is left alone.
func DeliveryOptions(in DeliverToSubscriberInput, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       models.DeliveryWorkflowID(in.DeliveryID),
		TaskQueue:                taskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 fairly(in.Tenant),
		TypedSearchAttributes:    deliveryAttributes(in),
		StaticSummary:            deliverySummary(in),
		StaticDetails:            deliveryDetails(in),
	}
}

// fairly makes Temporal's task queues take turns between tenants, where the server supports it. Children and activities
// other than attempts inherit it from the workflow that a client started.
func fairly(tenant string) temporal.Priority {
	return temporal.Priority{FairnessKey: fairnessKey(tenant)}
}

// attemptFairnessKey makes attempts that wait for a slot take turns between parts of a tenant's subscriptions: a
// subscription that hangs holds many slots, and has many attempts waiting. With a key for each subscription, a tenant would
// have as many turns as subscriptions.
func attemptFairnessKey(in DeliverToSubscriberInput) string {
	digest := sha256.Sum256([]byte(in.SubscriptionID))
	return fairnessKey(fmt.Sprintf("%s~%x", in.Tenant, digest[0]%attemptGroups))
}

// fairnessKey returns a name, or its beginning and a digest of all of it: Temporal refuses a workflow with a key above 64
// bytes. No tenant's name has a tilde.
func fairnessKey(name string) string {
	if len(name) <= maxFairnessKey {
		return name
	}
	digest := sha256.Sum256([]byte(name))
	tail := "~" + hex.EncodeToString(digest[:12])
	return name[:maxFairnessKey-len(tail)] + tail
}

// JobOptions returns the options with which a client starts SteerDeliveries. A job that runs already goes on.
func JobOptions(job models.Job, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       job.WorkflowID(),
		TaskQueue:                taskQueue,
		EnableEagerStart:         true,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes:    jobAttributes(job),
		StaticSummary:            jobSummary(job),
	}
}
