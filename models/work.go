package models

import (
	"fmt"
	"net/http"
	"time"
)

// Work is a delivery with the event and the subscription that an attempt needs.
type Work struct {
	Delivery     *Delivery
	Event        *Event        // nil: it is gone, or the delivery is closed
	Subscription *Subscription // nil: likewise; its Properties are left out, the delivery has its own
	// Stopped is why the delivery must not go out although the rest may allow it, see Stop. Nil: nothing stops it.
	Stopped *Why
}

// Number returns the number of the next attempt.
func (w *Work) Number() int { return w.Delivery.Attempts + 1 }

// Allowed returns the number of attempts that the schedule allows, plus the attempts made by hand.
func (w *Work) Allowed() int { return len(w.Subscription.Schedule()) + 1 + w.Delivery.Forwarded }

// FailingSince returns since when attempts have failed, if the given one has failed.
func (w *Work) FailingSince(attempt *Attempt) time.Time {
	if w.Delivery.FailingSince.IsZero() {
		return attempt.StartedAt
	}
	return w.Delivery.FailingSince
}

// words describes the state of the delivery after the attempts made so far.
func (w *Work) words(detail string) string {
	if w.Delivery.Attempts == 0 {
		return detail
	}
	return fmt.Sprintf("after attempt %d: %s", w.Delivery.Attempts, detail)
}

// DeliveryOutcome is how a recorded attempt leaves its delivery.
type DeliveryOutcome struct {
	Status        DeliveryStatus
	NextAttemptAt time.Time // zero unless Status is DeliveryPending
	Reason        string    // for DeliveryCancelled
	// DisableSubscription is the id of the subscription that the same commit disables for the Reason; empty for none.
	DisableSubscription string
}

// goneReason is the reason for which a subscription is disabled, and its deliveries are cancelled, after a 410.
const goneReason = "the receiver answered 410 Gone"

// Outcome applies the rules of the wire to an attempt: 2xx delivers, 410 disables the subscription, any other answer follows
// the schedule, or Retry-After if that is later. The random number in [0,1) spreads the next attempt.
func (w *Work) Outcome(attempt *Attempt, now time.Time, random float64) DeliveryOutcome {
	if attempt.Succeeded() {
		return DeliveryOutcome{Status: DeliveryDelivered}
	}
	if attempt.Status == http.StatusGone {
		return DeliveryOutcome{Status: DeliveryCancelled, Reason: goneReason, DisableSubscription: w.Subscription.ID}
	}
	if attempt.ErrorClass == ErrorBlocked {
		return DeliveryOutcome{Status: DeliveryExhausted} // no wait makes an address public
	}
	delay, more := w.Subscription.Schedule().Delay(attempt.Number-w.Delivery.Forwarded, random)
	if !more {
		return DeliveryOutcome{Status: DeliveryExhausted}
	}
	delay = max(delay, SpreadBehind(RetryAfter(attempt.Status, attempt.Header, now), random))
	return DeliveryOutcome{Status: DeliveryPending, NextAttemptAt: now.Add(delay)}
}
