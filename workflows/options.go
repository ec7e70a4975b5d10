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
	// attemptTimeout covers the longest attempt and its recording. It is also how long the attempt of a worker that died
	// goes unnoticed.
	attemptTimeout = models.MaxTimeout + 30*time.Second
	// localTimeout keeps short work of ours from holding a workflow task; what takes longer becomes a regular activity.
	localTimeout = 5 * time.Second
	// bookkeepingTimeout covers planning an event with a hundred thousand subscribers.
	bookkeepingTimeout = 5 * time.Minute
	// steeringHeartbeat is how long the death of a worker that carries out a job goes unnoticed.
	steeringHeartbeat = 30 * time.Second
	// maxFairnessKey is Temporal's limit, in bytes.
	maxFairnessKey = 64
	// attemptTurns is how many turns a tenant's attempts have at most while another tenant's have one.
	attemptTurns = 16
)

// untilMended retries failures of ours for as long as they last. The receiver's failures bring their own delay.
func untilMended() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
}

// forAttempt are the options of an attempt as a regular activity: shown by the Web UI with its attempts, last failure and
// next time. An attempt that is being made when we lose interest is waited for, so that never two run at once.
func forAttempt(ctx workflow.Context, in DeliverToSubscriberInput, host string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: attemptTimeout,
		WaitForCancellation: true,
		RetryPolicy:         untilMended(),
		Summary:             "POST to " + code(host, maxWord),
		Priority:            temporal.Priority{FairnessKey: attemptFairnessKey(in)},
	})
}

// forLocalAttempt are the options of an attempt within the workflow task: tried once.
func forLocalAttempt(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: attemptTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// forBookkeeping are the options of our own work on the store, local at first and regular after that.
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

// forSteering are the options of one round of a job. Its heartbeats carry the progress: when a worker dies, another
// goes on from there.
func forSteering(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: activities.RoundLength + bookkeepingTimeout,
		HeartbeatTimeout:    steeringHeartbeat,
		WaitForCancellation: true,
		RetryPolicy:         untilMended(),
	})
}

// keepTimer runs out when a dead letter has been kept long enough.
func keepTimer(ctx workflow.Context, hold time.Duration) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, hold, workflow.TimerOptions{Summary: "Exhausted: kept for redeliver or cancel"})
}

// holdTimer runs out when a held delivery should look for itself.
func holdTimer(ctx workflow.Context) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, lookAgain, workflow.TimerOptions{Summary: "Held: until the subscription is resumed"})
}

// forDelivery are the options of a delivery's workflow. A delivery that ran before is not run again by its event.
func forDelivery(ctx workflow.Context, in DeliverToSubscriberInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            DeliveryWorkflowID(in.DeliveryID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: deliveryAttributes(in),
		StaticSummary:         deliverySummary(in),
		StaticDetails:         deliveryDetails(in),
	})
}

// forBatch are the options of a part of a wide fan-out. It may run again when its event does: which deliveries are there
// to be started is for the store to say.
func forBatch(ctx workflow.Context, in DeliverBatchInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            BatchWorkflowID(in.EventID, in.From, in.To),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes: eventAttributes(in.DeliverEventInput),
		StaticSummary:         batchSummary(in),
	})
}

// EventOptions are how a client starts DeliverEvent. Starting an event that runs, or ran well, changes nothing; one that
// was terminated from outside before it was planned may start again.
func EventOptions(in DeliverEventInput, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       EventWorkflowID(in.EventID),
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

// EventAgainOptions are EventOptions for an event that the store says is not planned though its workflow ran well. It plans
// once, whatever ran before.
func EventAgainOptions(in DeliverEventInput, taskQueue string) client.StartWorkflowOptions {
	options := EventOptions(in, taskQueue)
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	return options
}

// DeliveryOptions are how a client starts DeliverToSubscriber for a delivery that lost its workflow. One that runs is
// left alone.
func DeliveryOptions(in DeliverToSubscriberInput, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       DeliveryWorkflowID(in.DeliveryID),
		TaskQueue:                taskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 fairly(in.Tenant),
		TypedSearchAttributes:    deliveryAttributes(in),
		StaticSummary:            deliverySummary(in),
		StaticDetails:            deliveryDetails(in),
	}
}

// fairly has Temporal's task queues take turns between tenants, where they know how to. Children and activities other than
// attempts inherit it from the workflow that a client started.
func fairly(tenant string) temporal.Priority {
	return temporal.Priority{FairnessKey: fairnessKey(tenant)}
}

// attemptFairnessKey has attempts that wait for a slot take turns between parts of a tenant's subscriptions: one that hangs
// holds many slots, and has many waiting. With a key for each, a tenant would have as many turns as subscriptions.
func attemptFairnessKey(in DeliverToSubscriberInput) string {
	digest := sha256.Sum256([]byte(in.SubscriptionID))
	return fairnessKey(fmt.Sprintf("%s~%x", in.Tenant, digest[0]%attemptTurns))
}

// fairnessKey is a name, or its beginning and a digest of all of it: a key above 64 bytes is refused, and with it the
// workflow. No tenant's name has a tilde.
func fairnessKey(name string) string {
	if len(name) <= maxFairnessKey {
		return name
	}
	digest := sha256.Sum256([]byte(name))
	tail := "~" + hex.EncodeToString(digest[:12])
	return name[:maxFairnessKey-len(tail)] + tail
}

// JobOptions are how a client starts SteerDeliveries. A job that runs already is left to run.
func JobOptions(job models.Job, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       JobWorkflowID(job),
		TaskQueue:                taskQueue,
		EnableEagerStart:         true,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes:    jobAttributes(job),
		StaticSummary:            jobSummary(job),
	}
}
