package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/posthaste/posthaste/models"
)

// cancelWaitingFor bounds the asking; a delivery that nobody stops finds out at its next attempt.
const cancelWaitingFor = 5 * time.Second

// cancelWaiting has the other waiting deliveries of a subscription cancelled that was just disabled. Best effort: it
// keeps them from waiting for nothing, the disabled subscription alone keeps them from being sent.
func (a *Activities) cancelWaiting(ctx context.Context, j *job, reason string) {
	ctx, cancel := context.WithTimeout(ctx, cancelWaitingFor)
	defer cancel()
	err := a.steering.Start(ctx, models.CancelWaitingJob(j.subscription, models.Why{By: "posthaste", Reason: reason}, a.now()))
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "waiting deliveries will be cancelled at their next attempt",
			slog.String("subscription_id", j.subscription.ID), slog.Any("error", err))
	}
}
