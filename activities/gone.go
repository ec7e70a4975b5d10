package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/posthaste/posthaste/models"
)

// cancelWaitingFor bounds the telling; whoever is not told finds out at the next attempt.
const cancelWaitingFor = 20 * time.Second

// cancelWaiting tells the workflows of the other waiting deliveries of a subscription that was just disabled to stop.
// Best effort: it keeps them from waiting for nothing, the disabled subscription alone keeps them from being sent.
func (a *Activities) cancelWaiting(ctx context.Context, j *job, reason string) {
	ctx, cancel := context.WithTimeout(ctx, cancelWaitingFor)
	defer cancel()
	filter := models.DeliveryFilter{
		SubscriptionID: j.subscription.ID, Status: models.DeliveryPending, Page: models.Page{Limit: models.MaxPageLimit},
	}
	for {
		page, err := a.store.Deliveries(ctx, filter)
		if err == nil {
			err = a.cancelAll(ctx, page, reason)
		}
		if err != nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "waiting deliveries will be cancelled at their next attempt",
				slog.String("subscription_id", j.subscription.ID), slog.Any("error", err))
			return
		}
		if len(page) < models.MaxPageLimit {
			return
		}
		filter.Page.After = page[len(page)-1].ID
	}
}

// cancelAll passes over deliveries without a running workflow: those cancel when theirs starts.
func (a *Activities) cancelAll(ctx context.Context, page []*models.Delivery, reason string) error {
	for _, delivery := range page {
		err := a.canceller.Cancel(ctx, delivery.ID, reason, "posthaste")
		if err != nil && models.ErrorCode(err) != models.CodeConflict {
			return err
		}
	}
	return nil
}
