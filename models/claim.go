package models

import "time"

// DeliveryMode says which workflow plans an event, and which makes the first attempts of its deliveries.
type DeliveryMode string

// The modes.
const (
	// ModeAuto is ModeChild while the tenant keeps up, and ModeGrouped while it is behind. The default.
	ModeAuto DeliveryMode = "auto"
	// ModeGrouped has one workflow plan the events of the tenant that wait at the moment, one or many, and make the first
	// attempts as in ModeInline.
	ModeGrouped DeliveryMode = "grouped"
	// ModeChild gives each event a workflow of its own, and each delivery from the start.
	ModeChild DeliveryMode = "child"
	// ModeInline gives each event a workflow of its own and has it make the first attempt at each subscriber that is known to answer fast; only
	// what that does not deliver gets a workflow of its own.
	ModeInline DeliveryMode = "inline"
)

// DeliveryModes returns all the modes, the default first.
func DeliveryModes() []DeliveryMode {
	return []DeliveryMode{ModeAuto, ModeChild, ModeInline, ModeGrouped}
}

// Groups reports whether several events may share a workflow.
func (m DeliveryMode) Groups() bool { return m == ModeAuto || m == ModeGrouped }

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
