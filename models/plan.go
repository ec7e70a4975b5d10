package models

import "time"

// MaxTargets bounds the targets in one answer, and so the deliveries that one workflow starts itself.
const MaxTargets = 200

// Limits of a group of events that one workflow plans. They bound what it keeps in memory, and the workflows it starts.
const (
	MaxGroup           = 100  // events
	MaxGroupDeliveries = 1000 // deliveries, unless a single event has more
)

// Claim decides whether the workflow that plans a pending delivery also makes its first attempt. Deliveries is the number of
// the event's deliveries; for an event with more than a page of them, the number so far.
type Claim func(subscriptionID string, deliveries int) bool

// Plan is the result of planning an event.
type Plan struct {
	Deliveries int // of the event, closed ones included
	// Targets has those of the deliveries whose workflow is still to be started, by position, if the event has at most
	// MaxTargets deliveries; nil otherwise.
	Targets []Target
	// Planned has the event, if this call has planned it.
	Planned []Planned
}

// Planned is an event whose deliveries have just been stored.
type Planned struct {
	EventRef
	Tenant      string
	Deliveries  int    // closed ones included
	Traceparent string // see Event
}

// GroupPlan is the result of planning a group of events.
type GroupPlan struct {
	Events     int // planned for the group, now or earlier
	Deliveries int // of these events, closed ones included
	// Targets has those of the deliveries whose workflow is still to be started, by event and position.
	Targets []GroupTarget
	// Wide has the events that need a plan of their own, because they have more than MaxTargets deliveries.
	Wide []EventRef
	// Rest has the events that were left for another plan, because this one has MaxGroupDeliveries without them.
	Rest []EventRef
	// Planned has the events that this call has planned.
	Planned []Planned
}

// EventRef names an event.
type EventRef struct {
	EventID   string `json:"event_id"`
	EventType string `json:"event_type"`
}

// GroupTarget is a target together with its event.
type GroupTarget struct {
	EventRef
	Target
	FailingSince time.Time `json:"failing_since,omitzero"` // when the first attempt was made that failed; zero: none has
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
