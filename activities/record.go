package activities

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/posthaste/posthaste/models"
)

const (
	goneReason = "the receiver answered 410 Gone"
	// recordFor bounds the time for which recording is tried. After it the activity fails and the attempt has to be made
	// again.
	recordFor = 25 * time.Second
)

// decide applies the rules of the wire to an attempt: 2xx delivers, 410 disables the subscription, anything else follows
// the schedule, or Retry-After when that is later.
func (a *Activities) decide(j *job, attempt *models.Attempt) models.DeliveryOutcome {
	if attempt.Succeeded() {
		return models.DeliveryOutcome{Status: models.DeliveryDelivered}
	}
	if attempt.Status == http.StatusGone {
		return models.DeliveryOutcome{
			Status: models.DeliveryCancelled, Reason: goneReason, DisableSubscription: j.subscription.ID,
		}
	}
	if attempt.ErrorClass == models.ErrorBlocked {
		return models.DeliveryOutcome{Status: models.DeliveryExhausted} // no wait makes an address public
	}
	random := a.random()
	delay, more := j.subscription.Schedule().Delay(attempt.Number-j.delivery.Forwarded, random)
	if !more {
		return models.DeliveryOutcome{Status: models.DeliveryExhausted}
	}
	now := a.now()
	delay = max(delay, models.SpreadBehind(models.RetryAfter(attempt.Status, attempt.Header, now), random))
	return models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: now.Add(delay)}
}

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
func (a *Activities) logAttempt(ctx context.Context, j *job, attempt *models.Attempt, outcome models.DeliveryOutcome) {
	args := []slog.Attr{
		slog.String("tenant", j.event.Tenant), slog.String("event_type", j.event.Type),
		slog.String("event_id", j.event.ID), slog.String("delivery_id", j.delivery.ID),
		slog.String("subscription_id", j.subscription.ID), slog.Int("attempt", attempt.Number),
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
		a.log.WarnContext(ctx, "subscription.disabled", "tenant", j.event.Tenant,
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
