package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/posthaste/posthaste/models"
)

// cancelWaitingFor bounds the time to start the cancellation.
const cancelWaitingFor = 5 * time.Second

// cancelWaiting starts the job that closes the other waiting deliveries of a subscription that was just disabled. A
// dispatcher does so within ten seconds in any case; the stop that is stored with the attempt keeps them from being sent.
func (a *Activities) cancelWaiting(ctx context.Context, sub *models.Subscription) {
	ctx, cancel := context.WithTimeout(ctx, cancelWaitingFor)
	defer cancel()
	stop, err := a.store.LastStop(ctx, sub.Tenant, sub.ID)
	if err == nil {
		err = a.steering.Start(ctx, stop.Job())
	}
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "delivery.waiting_not_cancelled",
			slog.String("subscription_id", sub.ID), slog.Any("error", err))
	}
}
