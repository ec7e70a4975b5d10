package activities

import (
	"context"
	"time"

	"github.com/posthaste/posthaste/models"
)

// held holds a delivery while its subscription is paused, and releases it afterwards: when it is its turn, or when no
// job releases deliveries in turn any more. The store decides under a lock, because the loaded rows may be stale.
func (a *Activities) held(ctx context.Context, in AttemptDeliveryInput, j *job) error {
	switch {
	case j.subscription.Status == models.SubscriptionPaused:
		return a.keep(ctx, j)
	case j.delivery.Status != models.DeliveryHeld:
		return nil
	case j.subscription.ResumeRate > 0 && !in.Resumed:
		return final(Held, "the subscription was resumed; this delivery's turn has not come yet")
	default:
		return a.release(ctx, j)
	}
}

func (a *Activities) keep(ctx context.Context, j *job) error {
	after, err := a.store.ChangeDelivery(ctx, j.delivery.ID, models.Change{Act: models.ActHold})
	if err != nil {
		return ours("hold delivery", err)
	}
	if after.Status != models.DeliveryHeld { // resumed, or closed, since we looked
		return retryAfter(NotDue, j.words("the subscription has just been resumed"), time.Millisecond)
	}
	return final(Held, "the subscription is paused")
}

func (a *Activities) release(ctx context.Context, j *job) error {
	now := a.now()
	after, err := a.store.ChangeDelivery(ctx, j.delivery.ID, models.Change{Act: models.ActRelease, At: now})
	if err != nil {
		return ours("release delivery", err)
	}
	if after.Status != models.DeliveryPending { // paused, or closed, since we looked
		return retryAfter(NotDue, j.words("the subscription has just been paused"), time.Millisecond)
	}
	j.delivery.Status = models.DeliveryPending
	if j.delivery.NextAttemptAt.After(now) {
		j.delivery.NextAttemptAt = now
		j.delivery.Forwarded++
	}
	return nil
}
