package models

import "time"

// DeliveryStatus says how a delivery stands.
type DeliveryStatus string

// The statuses of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"   // an attempt is due, waiting or running
	DeliveryHeld      DeliveryStatus = "held"      // kept while the subscription is paused
	DeliveryDelivered DeliveryStatus = "delivered" // an attempt was answered 2xx
	DeliveryExhausted DeliveryStatus = "exhausted" // every attempt of the schedule failed
	DeliveryCancelled DeliveryStatus = "cancelled" // stopped by hand, or its subscription is gone or disabled
)

// Closed reports whether no further attempt will be made on its own, now or later.
func (s DeliveryStatus) Closed() bool { return s != DeliveryPending && s != DeliveryHeld }

// DeliveryStatuses lists all of them.
func DeliveryStatuses() []DeliveryStatus {
	return []DeliveryStatus{DeliveryPending, DeliveryHeld, DeliveryDelivered, DeliveryExhausted, DeliveryCancelled}
}

// Delivery is one event on its way to one subscription; there is at most one for each such pair.
type Delivery struct {
	ID             string
	EventID        string
	SubscriptionID string
	Tenant         string
	EventType      string
	Position       int // 0, 1, 2 … among the deliveries of its event; wide fan-outs page by it
	Status         DeliveryStatus
	Attempts       int // made so far; attempt numbers are 1 … Attempts
	// Forwarded counts the attempts that use up no step of the schedule: those brought forward by hand and, after a
	// closed delivery was redelivered, all that were made before.
	Forwarded     int
	NextAttemptAt time.Time // when the next one is due; zero when closed
	// ClaimedUntil is until when the event's workflow may be making the first attempt itself; zero when it is not. Nobody
	// else makes an attempt before that.
	ClaimedUntil time.Time
	// Epoch is the tenant's epoch in which the delivery was wanted: that of its event's acceptance, or of its last
	// redelivery. See Stop.
	Epoch int64
	// FailingSince is when the first of the attempts began that failed since one succeeded; zero when the last one did, or
	// none was made.
	FailingSince time.Time
	// Halted says who keeps a pending delivery from going in Temporal, and why; empty: nobody does.
	Halted     string
	LastError  string     // what went wrong last, in words; empty after success
	LastClass  ErrorClass // of that; empty after success, and of deliveries that failed last before it was kept
	LastCode   int        // the status that the receiver answered last; 0: it did not answer, or as with LastClass
	Reason     string     // why it was cancelled
	Payload    Payload    // body form, fixed when the delivery was planned so that every attempt sends the same bytes; or RemovedPayload
	Properties []byte     // JSON object added to the envelope, fixed likewise; nil for none
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// RemovedPayload stands in place of the body form of a delivery whose payload was removed at the end of its retention.
const RemovedPayload = "removed"

// PayloadRemoved reports whether there is nothing to send any more.
func (d *Delivery) PayloadRemoved() bool { return d.Payload == RemovedPayload }

// Outstanding is how much of a tenant's is under way for the first time, no more of a subscription than its share.
type Outstanding struct {
	Deliveries int // pending ones whose first attempt has not been made
	Events     int // whose deliveries these are
}

// DeliveryFilter selects deliveries for a list. The zero value selects all.
type DeliveryFilter struct {
	Tenant         string
	SubscriptionID string
	EventID        string
	EventType      string // exact
	Status         DeliveryStatus
	Class          ErrorClass // of the last attempt; only together with SubscriptionID
	Code           int        // answered to the last attempt; only together with Class
	Since          time.Time  // created at or after
	Until          time.Time  // created before
	Page           Page
}

// Selection names the deliveries that one action is for. Empty fields select nothing away.
type Selection struct {
	Tenant         string           `json:"tenant,omitempty"`
	EventID        string           `json:"event_id,omitempty"`
	SubscriptionID string           `json:"subscription_id,omitempty"`
	Statuses       []DeliveryStatus `json:"statuses,omitempty"`
	Since          time.Time        `json:"since,omitzero"`   // created at or after
	Until          time.Time        `json:"until,omitzero"`   // created before
	Before         int64            `json:"before,omitempty"` // of an epoch before this one
}

// Owner is the tenant.
func (d *Delivery) Owner() string { return d.Tenant }
