package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/posthaste/posthaste/models"
)

// revivePages bounds the deliveries that are looked after at a time. An overdue delivery is usually not lost, but waits for
// a busy worker.
const revivePages = 10

// reviver returns the work that looks after overdue deliveries. A delivery that has not changed since this process started
// is looked after as soon as it is due, because the store or Temporal may have been restored while no process ran: a
// delivery without a workflow occupies its tenant's room.
func (d *Dispatcher) reviver() func(context.Context) {
	started := time.Now()
	r := scan[*models.Delivery]{
		pages: revivePages, id: func(delivery *models.Delivery) string { return delivery.ID }, work: d.revive,
		list: func(ctx context.Context, after string, limit int) ([]*models.Delivery, error) {
			return d.Store.OverdueDeliveries(ctx, time.Now().Add(-min(d.SweepAfter, d.OverdueAfter)), after, limit)
		},
		wanted: func(delivery *models.Delivery) bool {
			return delivery.UpdatedAt.Before(started) || time.Since(delivery.NextAttemptAt) > d.OverdueAfter
		},
	}
	return func(ctx context.Context) {
		if err := r.next(ctx); err != nil {
			d.Logger.DebugContext(ctx, "deliveries.not_revived", "error", err) // the sweep reports it
		}
	}
}

func (d *Dispatcher) revive(ctx context.Context, delivery *models.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	found, err := d.Control.Revive(ctx, delivery)
	if err == nil && found.words() != delivery.Halted {
		err = d.halt(ctx, delivery, found)
	}
	return d.unlessRefused(ctx, "delivery_id", delivery.ID, err)
}

// halt records that somebody has paused a delivery in Temporal, or that nobody does any more.
func (d *Dispatcher) halt(ctx context.Context, delivery *models.Delivery, found Halt) error {
	var audit []models.AuditEntry
	if found.is {
		audit = []models.AuditEntry{{Action: models.AuditHaltDelivery, Why: found.why}}
	}
	news, err := d.Store.HaltDelivery(ctx, delivery.ID, found.words(), audit...)
	if news {
		d.Logger.LogAttrs(ctx, slog.LevelWarn, "delivery.halted", slog.String("delivery_id", delivery.ID),
			slog.Bool("halted", found.is), slog.String("by", found.why.By))
	}
	return err
}

// patience is how long a workflow may take to begin the attempt that is due.
const patience = time.Minute

// Revive looks after a delivery whose next attempt is overdue. It starts the workflow again if it is gone: because
// Temporal's data was lost, the workflow was terminated, or the store was replaced by an older one. A workflow that waits for
// something else, because the store has forgotten its progress, is signalled to make the attempt now. A workflow that is
// about to make it is left alone, and so is a workflow that somebody has paused; Revive then returns who.
func (c *Control) Revive(ctx context.Context, delivery *models.Delivery) (Halt, error) {
	described, err := c.client.DescribeWorkflowExecution(ctx, models.DeliveryWorkflowID(delivery.ID), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); err != nil && !missing {
		return Halt{}, translate("describe delivery", err)
	}
	switch {
	case !isOpen(described.GetWorkflowExecutionInfo().GetStatus()):
		return Halt{}, c.Begin(ctx, delivery)
	case isActive(described, time.Now()):
		return haltOf(described), nil
	}
	why := models.Why{By: "posthaste", Reason: "the attempt was overdue, and the workflow waited for something else"}
	return Halt{}, c.Redeliver(ctx, delivery, why, "", delivery.Epoch) // not a new request
}

func isOpen(status enumspb.WorkflowExecutionStatus) bool {
	return status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || status == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
}

// isActive reports whether an open workflow works on the attempt, or will do so as soon as a worker or a person lets it.
func isActive(described *workflowservice.DescribeWorkflowExecutionResponse, now time.Time) bool {
	paused := described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if paused || described.GetPendingWorkflowTask() != nil {
		return true
	}
	return slices.ContainsFunc(described.GetPendingActivities(), func(pending *workflowpb.PendingActivityInfo) bool {
		waits := pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED && !pending.GetPaused()
		return !waits || pending.GetScheduledTime().AsTime().Before(now.Add(patience))
	})
}
