package activities

import (
	"context"
	"log/slog"
	"time"
)

// cancelWaitingFor bounds the time to start the cancellation.
const cancelWaitingFor = 5 * time.Second

// cancelWaiting starts the job that closes the other waiting deliveries of a subscription that was just disabled. A
// dispatcher does so within ten seconds in any case; the stop that is stored with the attempt keeps them from being sent.
func (a *Activities) cancelWaiting(ctx context.Context, j *job) {
	ctx, cancel := context.WithTimeout(ctx, cancelWaitingFor)
	defer cancel()
	stop, err := a.store.LastStop(ctx, j.subscription.Tenant, j.subscription.ID)
	if err == nil {
		err = a.steering.Start(ctx, stop.Job())
	}
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "waiting deliveries will be closed later",
			slog.String("subscription_id", j.subscription.ID), slog.Any("error", err))
	}
}
