package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// ControlStore is what Control asks of the store.
type ControlStore interface {
	ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error)
}

// Control signals the workflows of deliveries and starts jobs. Its methods return before the workflow has acted. They fail
// with CodeUnavailable when Temporal is away. Safe for concurrent use.
type Control struct {
	client client.Client
	store  ControlStore
}

// NewControl makes a Control.
func NewControl(c client.Client, s ControlStore) *Control { return &Control{client: c, store: s} }

// Cancel asks a delivery to stop that is open, or exhausted and still kept. One that waits for its workflow to be
// started is cancelled in the store, where the workflow will find it. One that was redelivered in the epoch before, or a
// later one, is passed over; 0: none is. CodeConflict: there is nothing to stop.
func (c *Control) Cancel(ctx context.Context, delivery *models.Delivery, why models.Why, before int64) error {
	arg := workflows.CancelSignal{Reason: why.Reason, By: why.By, Before: before}
	err := c.client.SignalWorkflow(ctx, models.DeliveryWorkflowID(delivery.ID), "", workflows.SignalCancel, arg)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); !missing {
		return translate("cancel", err)
	}
	if delivery.Status.Closed() {
		return models.Errorf(models.CodeConflict, "the delivery is %s, and no longer kept open", delivery.Status)
	}
	_, err = c.store.ChangeDelivery(ctx, delivery.ID, models.Change{Act: models.ActCancel, Why: why, Before: before})
	return err
}

// Redeliver asks for a further attempt now. A delivery whose workflow has closed, or was not started yet, gets a new
// run of it. Asking a second time with the same origin is the same wish; empty, every call is one of its own. What is
// cancelled as a whole after the epoch, 0 for the one in which the workflow acts on it, is not redelivered.
func (c *Control) Redeliver(
	ctx context.Context, delivery *models.Delivery, why models.Why, origin string, epoch int64,
) error {
	in := deliveryInput(delivery)
	in.Redelivery = true
	return c.signalWithStart(ctx, in, workflows.SignalRedeliver,
		workflows.RedeliverSignal{By: why.By, Reason: why.Reason, After: delivery.Attempts, Origin: origin, Epoch: epoch})
}

// Resume tells a held delivery that it may go.
func (c *Control) Resume(ctx context.Context, delivery *models.Delivery) error {
	return c.signalWithStart(ctx, deliveryInput(delivery), workflows.SignalResume, nil)
}

func (c *Control) signalWithStart(ctx context.Context, in workflows.DeliverToSubscriberInput, signal string, arg any) error {
	options := workflows.DeliveryOptions(in, workflows.TaskQueue)
	_, err := c.client.SignalWithStartWorkflow(ctx, options.ID, signal, arg, options, workflows.DeliverToSubscriberName, in)
	return translate(signal, err)
}

// Begin starts the workflow of a delivery. One that runs is left alone.
func (c *Control) Begin(ctx context.Context, delivery *models.Delivery) error {
	in := deliveryInput(delivery)
	options := workflows.DeliveryOptions(in, workflows.TaskQueue)
	_, err := c.client.ExecuteWorkflow(ctx, options, workflows.DeliverToSubscriberName, in)
	return translate("start delivery", err)
}

// patience is how long a workflow may take to do what its delivery is due for.
const patience = time.Minute

// Revive sees to a delivery whose next attempt is overdue. One whose workflow is gone, because the engine's data was lost,
// the workflow was terminated, or the store was replaced by an older one, gets a new run of it. A workflow that waits for
// something else, since it went on where the store has forgotten it, is told to make the next attempt now. One that is
// about to make it, or was paused by an operator, is left alone; it returns who paused it.
func (c *Control) Revive(ctx context.Context, delivery *models.Delivery) (Halt, error) {
	described, err := c.client.DescribeWorkflowExecution(ctx, models.DeliveryWorkflowID(delivery.ID), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); err != nil && !missing {
		return Halt{}, translate("describe delivery", err)
	}
	switch {
	case !open(described.GetWorkflowExecutionInfo().GetStatus()):
		return Halt{}, c.Begin(ctx, delivery)
	case acts(described, time.Now()):
		return haltOf(described), nil
	}
	why := models.Why{By: "posthaste", Reason: "the attempt was overdue, and the workflow waited for something else"}
	return Halt{}, c.Redeliver(ctx, delivery, why, "", delivery.Epoch) // nobody asked for it anew
}

func open(status enumspb.WorkflowExecutionStatus) bool {
	return status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || status == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
}

// acts reports whether a delivery's open workflow is working, or will be as soon as somebody lets it.
func acts(described *workflowservice.DescribeWorkflowExecutionResponse, now time.Time) bool {
	paused := described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if paused || described.GetPendingWorkflowTask() != nil {
		return true
	}
	return slices.ContainsFunc(described.GetPendingActivities(), func(pending *workflowpb.PendingActivityInfo) bool {
		waits := pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED && !pending.GetPaused()
		return !waits || pending.GetScheduledTime().AsTime().Before(now.Add(patience))
	})
}

// Start starts a job. One of the kind for the same thing that runs already is left to run.
func (c *Control) Start(ctx context.Context, job models.Job) error {
	options := workflows.JobOptions(job, workflows.TaskQueue)
	_, err := c.client.ExecuteWorkflow(ctx, options, workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{Job: job})
	return translate("start job", err)
}

// Ping reports whether Temporal answers.
func (c *Control) Ping(ctx context.Context) error {
	if _, err := c.client.CheckHealth(ctx, nil); err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	return nil
}

func deliveryInput(delivery *models.Delivery) workflows.DeliverToSubscriberInput {
	return workflows.DeliverToSubscriberInput{
		DeliveryID: delivery.ID, EventID: delivery.EventID, SubscriptionID: delivery.SubscriptionID,
		Tenant: delivery.Tenant, EventType: delivery.EventType, Tells: true,
	}
}

// translate tells apart three failures: Temporal is away, Temporal refuses, and all others.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	_, away := errors.AsType[*serviceerror.Unavailable](err)
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	_, busy := errors.AsType[*serviceerror.ResourceExhausted](err)
	if away || late || busy || errors.Is(err, context.DeadlineExceeded) {
		return models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
	}
	if refused, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok { // such as one signal too many
		return models.Errorf(models.CodeConflict, "Temporal refuses: %s", refused.Message)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
