package activities

import (
	"context"
	"strings"

	"github.com/posthaste/posthaste/models"
)

// CancelDeliveryInput names the delivery and says why it is cancelled.
type CancelDeliveryInput struct {
	DeliveryID string `json:"delivery_id"`
	Reason     string `json:"reason"`
}

// CancelDeliveryResult is the status in force afterwards: a delivery that was closed already stays as it was.
type CancelDeliveryResult struct {
	Status models.DeliveryStatus `json:"status"`
}

// CancelDelivery marks a pending delivery as cancelled.
func (a *Activities) CancelDelivery(ctx context.Context, in CancelDeliveryInput) (*CancelDeliveryResult, error) {
	reason := strings.ReplaceAll(in.Reason, "\x00", "") // signals bring what they like, Postgres does not store this
	status, err := a.store.CloseDelivery(ctx, in.DeliveryID, models.DeliveryCancelled, reason)
	if err != nil {
		return nil, ours("cancel delivery", err)
	}
	return &CancelDeliveryResult{Status: status}, nil
}

// BringForwardInput names the delivery.
type BringForwardInput struct {
	DeliveryID string `json:"delivery_id"`
}

// BringForward makes the next attempt of a pending delivery due now.
func (a *Activities) BringForward(ctx context.Context, in BringForwardInput) error {
	if err := a.store.BringForward(ctx, in.DeliveryID, a.now()); err != nil {
		return ours("bring the next attempt forward", err)
	}
	return nil
}
