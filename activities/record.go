package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/posthaste/posthaste/models"
)

// recordFor bounds the time for which recording is tried. After it the activity fails and the attempt has to be made again.
const recordFor = 25 * time.Second

// cancelWaitingFor bounds the time to start the cancellation of what waits for a disabled subscription.
const cancelWaitingFor = 5 * time.Second

// record stores the attempt. The request was sent already, so it waits for a database that is away for a moment: giving up
// means sending again.
func (a *Activities) record(ctx context.Context, attempt *models.Attempt, outcome models.DeliveryOutcome) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := a.store.RecordAttempt(ctx, attempt, outcome)
		if code := models.ErrorCode(err); code == models.CodeConflict || code == models.CodeNotFound {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(recordFor))
	if err != nil {
		return ours("record attempt", err)
	}
	return nil
}

// logAttempt writes the one log line of an attempt: every id, the outcome and the decision, no payload and no secret.
func (a *Activities) logAttempt(ctx context.Context, work *models.Work, attempt *models.Attempt, outcome models.DeliveryOutcome) {
	args := []slog.Attr{
		slog.String("tenant", work.Event.Tenant), slog.String("event_type", work.Event.Type),
		slog.String("event_id", work.Event.ID), slog.String("delivery_id", work.Delivery.ID),
		slog.String("subscription_id", work.Subscription.ID), slog.Int("attempt", attempt.Number),
		slog.Int("response_status", attempt.Status), slog.Int64("duration_ms", attempt.Timing.Total.Milliseconds()),
		slog.String("status", string(outcome.Status)),
	}
	if !attempt.Succeeded() {
		args = append(args, slog.String("error_class", string(attempt.ErrorClass)), slog.String("error", attempt.Error))
	}
	if !outcome.NextAttemptAt.IsZero() {
		args = append(args, slog.Time("next_attempt_at", outcome.NextAttemptAt))
	}
	a.log.LogAttrs(ctx, level(outcome), "delivery.attempted", args...)
	if outcome.DisableSubscription != "" {
		a.log.WarnContext(ctx, "subscription.disabled", "tenant", work.Event.Tenant,
			"subscription_id", outcome.DisableSubscription, "reason", outcome.Reason)
	}
}

// level makes the end of a delivery that failed stand out.
func level(outcome models.DeliveryOutcome) slog.Level {
	if outcome.Status == models.DeliveryExhausted || outcome.Status == models.DeliveryCancelled {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// cancelWaiting starts the job that closes the other waiting deliveries of a subscription that was just disabled. A
// dispatcher does so within ten seconds in any case; the stop that is stored with the attempt keeps them from being sent.
func (a *Activities) cancelWaiting(ctx context.Context, sub *models.Subscription) {
	ctx, cancel := context.WithTimeout(ctx, cancelWaitingFor)
	defer cancel()
	stop, err := a.store.LastStop(ctx, sub.Tenant, sub.ID)
	if err == nil {
		err = a.control.Start(ctx, stop.Job())
	}
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "delivery.waiting_not_cancelled",
			slog.String("subscription_id", sub.ID), slog.Any("error", err))
	}
}
