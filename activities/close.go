package activities

import (
	"context"

	"github.com/posthaste/posthaste/models"
)

// CancelDeliveryInput names the delivery and says why it is cancelled.
type CancelDeliveryInput struct {
	DeliveryID string `json:"delivery_id"`
	Reason     string `json:"reason"`
}

// CancelDeliveryResult is the status in force afterwards: a delivery that was closed already stays as it was.
type CancelDeliveryResult struct {
	Status   models.DeliveryStatus `json:"status"`
	Attempts int                   `json:"attempts,omitempty"` // made so far
}

// CancelDelivery marks a pending delivery as cancelled.
func (a *Activities) CancelDelivery(ctx context.Context, in CancelDeliveryInput) (*CancelDeliveryResult, error) {
	status, err := a.store.CloseDelivery(ctx, in.DeliveryID, models.DeliveryCancelled, in.Reason)
	if err != nil {
		return nil, ours("cancel delivery", err)
	}
	delivery, err := a.store.Delivery(ctx, in.DeliveryID)
	if err != nil {
		return nil, ours("load delivery", err)
	}
	return &CancelDeliveryResult{Status: status, Attempts: delivery.Attempts}, nil
}

// BringForwardInput names the delivery.
type BringForwardInput struct {
	DeliveryID string `json:"delivery_id"`
}

// BringForward makes the next attempt of a pending delivery due now. One that has closed meanwhile is left alone: the
// attempt that follows will find out.
func (a *Activities) BringForward(ctx context.Context, in BringForwardInput) error {
	err := a.store.BringForward(ctx, in.DeliveryID, a.now())
	if err != nil && models.ErrorCode(err) != models.CodeConflict {
		return ours("bring the next attempt forward", err)
	}
	return nil
}
