package activities

import (
	"context"

	"github.com/posthaste/posthaste/models"
)

// CancelDeliveryInput names the delivery and says why it is cancelled.
type CancelDeliveryInput struct {
	DeliveryID string `json:"delivery_id"`
	models.Why
	Origin string `json:"origin,omitempty"` // see models.AuditEntry
	// Before spares a delivery that was redelivered in this epoch or a later one. 0: it is cancelled in any case.
	Before int64 `json:"before,omitempty"`
}

// CancelDeliveryResult is the status afterwards: a delivery that was delivered or cancelled already stays as it was.
type CancelDeliveryResult struct {
	Status   models.DeliveryStatus `json:"status"`
	Attempts int                   `json:"attempts,omitempty"` // made so far
}

// CancelDelivery marks a delivery that is open or exhausted as cancelled.
func (a *Activities) CancelDelivery(ctx context.Context, in CancelDeliveryInput) (*CancelDeliveryResult, error) {
	delivery, err := a.store.ChangeDelivery(ctx, in.DeliveryID, models.Change{
		Act: models.ActCancel, Why: in.Why, Origin: in.Origin, Before: in.Before,
	})
	if err != nil {
		return nil, ours("cancel delivery", err)
	}
	return &CancelDeliveryResult{Status: delivery.Status, Attempts: delivery.Attempts}, nil
}

// BringForwardInput names the delivery and says who wants it redelivered.
type BringForwardInput struct {
	DeliveryID string `json:"delivery_id"`
	After      int    `json:"after,omitempty"` // number of attempts made before the redelivery was requested
	models.Why
	Origin string `json:"origin,omitempty"` // see models.AuditEntry
	Epoch  int64  `json:"epoch,omitempty"`  // in which it was requested, see models.Stop; 0: the present one
}

// BringForward makes the next attempt of a delivery due now. A closed delivery is opened again, with its schedule from
// the start, unless an attempt later than After delivered it. A held one stays held.
func (a *Activities) BringForward(ctx context.Context, in BringForwardInput) error {
	_, err := a.store.ChangeDelivery(ctx, in.DeliveryID, models.Change{
		Act: models.ActRedeliver, At: a.now(), Why: in.Why, Origin: in.Origin, After: in.After, Epoch: in.Epoch,
	})
	return ours("bring the next attempt forward", err)
}
