package worker

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// Control signals the workflows of deliveries. Safe for concurrent use.
type Control struct{ client client.Client }

// NewControl makes a Control.
func NewControl(c client.Client) *Control { return &Control{client: c} }

// Cancel asks a waiting delivery to stop. It returns before that has happened.
func (c *Control) Cancel(ctx context.Context, deliveryID, reason, by string) error {
	return c.signal(ctx, deliveryID, workflows.SignalCancel, workflows.CancelSignal{Reason: reason, By: by})
}

// Redeliver asks a waiting delivery to make its next attempt now. It returns before that has happened.
func (c *Control) Redeliver(ctx context.Context, deliveryID, by string) error {
	return c.signal(ctx, deliveryID, workflows.SignalRedeliver, workflows.RedeliverSignal{By: by})
}

// Ping reports whether Temporal answers.
func (c *Control) Ping(ctx context.Context) error {
	if _, err := c.client.CheckHealth(ctx, nil); err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	return nil
}

// signal fails with CodeConflict when no workflow of the delivery runs, with CodeUnavailable when Temporal is away.
func (c *Control) signal(ctx context.Context, deliveryID, name string, arg any) error {
	err := c.client.SignalWorkflow(ctx, workflows.DeliveryWorkflowID(deliveryID), "", name, arg)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return models.Errorf(models.CodeConflict, "delivery %s has no running workflow; it has just closed or not started yet", deliveryID)
	}
	if _, away := errors.AsType[*serviceerror.Unavailable](err); away || errors.Is(err, context.DeadlineExceeded) {
		return models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
	}
	if err != nil {
		return fmt.Errorf("signal %s: %w", name, err)
	}
	return nil
}
