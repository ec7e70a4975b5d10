package models

import "time"

// DeliveryMode says who makes the first attempt of a delivery.
type DeliveryMode string

// The modes.
const (
	// ModeChild gives each delivery a workflow of its own from the start. The default.
	ModeChild DeliveryMode = "child"
	// ModeInline has the event's workflow make the first attempt at each subscriber that is known to answer fast; only
	// what that does not deliver gets a workflow of its own.
	ModeInline DeliveryMode = "inline"
)

// ClaimTime is how long the event's workflow has for the first attempts it makes itself: the longest attempt, and the
// time it takes for another worker to go on where one died.
const ClaimTime = AttemptTime + time.Minute

// claimSlack is how far the clocks of two processes may be apart.
const claimSlack = time.Minute

// ClaimLeft is how much is left at the given time of a claim that lasts until then, which may be less than nothing. Of one
// that has far more left than ClaimTime it is zero: the clock that it was made by was ahead and has been set right.
func ClaimLeft(until, at time.Time) time.Duration {
	left := until.Sub(at)
	if left > ClaimTime+claimSlack {
		return 0
	}
	return left
}
