package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/posthaste/posthaste/models"
)

// What the memory of events holds at most: 16 MiB of data, for as long as an event's first attempts may take.
const (
	rememberedEvents = 256
	rememberedEvent  = 64 * 1024 // bytes of data
	rememberedFor    = time.Minute
)

// job is what one attempt works on, loaded fresh so that a change of the subscription acts on the very next attempt.
type job struct {
	delivery     *models.Delivery
	event        *models.Event
	subscription *models.Subscription
	obstacle     string // why no attempt may be made; empty: none
}

func (a *Activities) load(ctx context.Context, deliveryID string) (*job, error) {
	delivery, err := a.store.Delivery(ctx, deliveryID)
	if err != nil {
		return nil, ours("load delivery", err)
	}
	j := &job{delivery: delivery}
	if delivery.Status.Closed() {
		return j, nil
	}
	if j.event, err = a.event(ctx, delivery.EventID); err != nil {
		return j.missing("the event was deleted", "load event", err)
	}
	if j.subscription, err = a.store.Subscription(ctx, delivery.SubscriptionID); err != nil {
		return j.missing("the subscription was deleted", "load subscription", err)
	}
	if j.subscription.Status == models.SubscriptionDisabled {
		j.obstacle = "the subscription is disabled"
	}
	return j, nil
}

// event reads an event, which does not change, from memory if it can: its deliveries need it one after the other.
func (a *Activities) event(ctx context.Context, id string) (*models.Event, error) {
	if event, ok := a.events.Get(id); ok {
		return event, nil
	}
	event, err := a.store.Event(ctx, id)
	if err == nil && len(event.Data) <= rememberedEvent {
		a.events.Add(id, event)
	}
	return event, err
}

func (j *job) missing(obstacle, doing string, err error) (*job, error) {
	if models.ErrorCode(err) != models.CodeNotFound {
		return nil, ours(doing, err)
	}
	j.obstacle = obstacle
	return j, nil
}

// number is that of the attempt to make.
func (j *job) number() int { return j.delivery.Attempts + 1 }

// allowed is how many attempts the schedule comes to, with those made by hand besides.
func (j *job) allowed() int { return len(j.subscription.Schedule()) + 1 + j.delivery.Forwarded }

// words tells how the delivery stands after the attempts made so far.
func (j *job) words(detail string) string {
	if j.delivery.Attempts == 0 {
		return detail
	}
	return fmt.Sprintf("after attempt %d: %s", j.delivery.Attempts, detail)
}
