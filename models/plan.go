package models

// MaxTargets bounds the targets in one answer, and so the deliveries that one workflow starts itself.
const MaxTargets = 200

// Plan is the result of planning an event.
type Plan struct {
	Deliveries int // of the event, closed ones included
	// Targets has those of the deliveries whose workflow is still to be started, by position, if the event has at most
	// MaxTargets deliveries; nil otherwise.
	Targets []Target
}

// Target holds the facts that a workflow needs to start the workflow of one delivery. It stands in histories: never change
// the meaning of a name.
type Target struct {
	DeliveryID     string `json:"delivery_id"`
	SubscriptionID string `json:"subscription_id"`
	Host           string `json:"host,omitempty"` // of the subscription's URL, with its port if it has one; empty: the subscription is gone
	Fast           bool   `json:"fast,omitempty"` // answered fast last time, as far as the planning process knows
	// Claimed says that the event's workflow makes the first attempt.
	Claimed bool `json:"claimed,omitempty"`
	// Attempted says that an attempt was made, by a workflow that ended before it could report it: the next attempt waits
	// for its time.
	Attempted bool `json:"attempted,omitempty"`
}
