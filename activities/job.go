package activities

import (
	"context"
	"fmt"

	"github.com/posthaste/posthaste/models"
)

// job holds the rows of one attempt. They are loaded anew each time, so that a change of the subscription acts on the very
// next attempt. Event and subscription are shared with other attempts and must not be changed.
type job struct {
	delivery     *models.Delivery
	event        *models.Event
	subscription *models.Subscription
	obstacle     string // why no attempt may be made; empty: none
	stopped      bool   // the obstacle is a stop that came after the delivery was requested
}

func (a *Activities) load(ctx context.Context, deliveryID string) (*job, error) {
	work, err := a.store.Work(ctx, deliveryID)
	if err != nil {
		return nil, ours("load delivery", err)
	}
	j := &job{delivery: work.Delivery, event: work.Event, subscription: work.Subscription}
	switch {
	case j.delivery.Status.Closed():
	case j.event == nil:
		j.obstacle = "the event was deleted"
	case j.subscription == nil:
		j.obstacle = "the subscription was deleted"
	case j.subscription.Status == models.SubscriptionDisabled:
		j.obstacle = "the subscription is disabled"
	case work.Stopped != nil:
		j.obstacle, j.stopped = work.Stopped.Words(), true
	}
	return j, nil
}

// number returns the number of the attempt to make.
func (j *job) number() int { return j.delivery.Attempts + 1 }

// allowed returns the number of attempts that the schedule allows, plus the attempts made by hand.
func (j *job) allowed() int { return len(j.subscription.Schedule()) + 1 + j.delivery.Forwarded }

// words describes the state of the delivery after the attempts made so far.
func (j *job) words(detail string) string {
	if j.delivery.Attempts == 0 {
		return detail
	}
	return fmt.Sprintf("after attempt %d: %s", j.delivery.Attempts, detail)
}
