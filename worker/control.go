package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// deliveryStore is what Control asks of the store.
type deliveryStore interface {
	ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error)
}

// Control acts on the workflows in Temporal: it signals the workflow of a single delivery, starts a job for many, and reads
// their histories. Its methods return before the workflow has acted. They fail with CodeUnavailable when Temporal is away.
// Safe for concurrent use.
type Control struct {
	client client.Client
	store  deliveryStore
}

// NewControl makes a Control. The store may be nil if nothing is cancelled.
func NewControl(c client.Client, s deliveryStore) *Control { return &Control{client: c, store: s} }

// Cancel asks the workflow of a delivery to stop. If the delivery has no workflow yet, it is cancelled in the store, where
// the workflow will find it cancelled. A redelivery that was requested in the epoch before, or in a later one, is not
// cancelled; 0 cancels all. CodeConflict: the delivery is closed, and its workflow has ended.
func (c *Control) Cancel(ctx context.Context, delivery *models.Delivery, why models.Why, before int64) error {
	arg := workflows.CancelSignal{Reason: why.Reason, By: why.By, Key: why.Key, Before: before}
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

// Redeliver asks for a further attempt now. If the delivery's workflow has ended, or was not started yet, it is started. A
// second call with the same origin has no effect; without an origin, every call counts. A stop whose epoch is later than the
// given one cancels the redelivery; 0 stands for the epoch in which the workflow acts on the signal.
func (c *Control) Redeliver(
	ctx context.Context, delivery *models.Delivery, why models.Why, origin string, epoch int64,
) error {
	in := deliveryInput(delivery)
	in.Redelivery = true
	return c.signalWithStart(ctx, in, workflows.SignalRedeliver,
		workflows.RedeliverSignal{By: why.By, Key: why.Key, Reason: why.Reason, After: delivery.Attempts, Origin: origin, Epoch: epoch})
}

// Resume signals a held delivery that it may go.
func (c *Control) Resume(ctx context.Context, delivery *models.Delivery) error {
	return c.signalWithStart(ctx, deliveryInput(delivery), workflows.SignalResume, nil)
}

func (c *Control) signalWithStart(ctx context.Context, in workflows.DeliverToSubscriberInput, signal string, arg any) error {
	options := workflows.DeliveryOptions(in, workflows.TaskQueue)
	_, err := c.client.SignalWithStartWorkflow(ctx, options.ID, signal, arg, options, workflows.DeliverToSubscriberName, in)
	return translate(signal, err)
}

// Begin starts the workflow of a delivery. A workflow that runs is left alone.
func (c *Control) Begin(ctx context.Context, delivery *models.Delivery) error {
	in := deliveryInput(delivery)
	options := workflows.DeliveryOptions(in, workflows.TaskQueue)
	_, err := c.client.ExecuteWorkflow(ctx, options, workflows.DeliverToSubscriberName, in)
	return translate("start delivery", err)
}

// Start starts a job. A job of the same kind for the same subject that runs already is left alone.
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
	if unprepared(err) {
		return models.Errorf(models.CodeUnavailable, "Temporal does not know the namespace or its search attributes yet; try again")
	}
	if refused, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok { // for example because it has too many signals
		return models.Errorf(models.CodeConflict, "Temporal refuses: %s", refused.Message)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// unprepared reports whether Temporal lacks the namespace or its search attributes. A worker registers them when it starts,
// and the parts of Temporal learn of them one by one in the seconds after.
func unprepared(err error) bool {
	_, namespace := errors.AsType[*serviceerror.NamespaceNotFound](err)
	refused, ok := errors.AsType[*serviceerror.InvalidArgument](err)
	return namespace || ok && strings.Contains(refused.Message, "no mapping defined for search attribute")
}
