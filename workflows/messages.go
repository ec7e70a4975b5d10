package workflows

import "github.com/posthaste/posthaste/models"

// DeliverEventInput starts DeliverEvent.
type DeliverEventInput struct {
	EventID   string `json:"event_id"`
	Tenant    string `json:"tenant"`
	EventType string `json:"event_type"`
}

// DeliverEventResult counts the deliveries that were started.
type DeliverEventResult struct {
	Deliveries int `json:"deliveries"`
}

// DeliverBatchInput starts DeliverBatch for the deliveries at the positions From up to, not including, To.
type DeliverBatchInput struct {
	DeliverEventInput
	From int `json:"from"`
	To   int `json:"to"`
}

// DeliverToSubscriberInput starts DeliverToSubscriber.
type DeliverToSubscriberInput struct {
	DeliveryID     string `json:"delivery_id"`
	EventID        string `json:"event_id"`
	SubscriptionID string `json:"subscription_id"`
	Tenant         string `json:"tenant"`
	EventType      string `json:"event_type"`
	Host           string `json:"host,omitempty"` // of the subscription's URL, for the eye only
	// Local makes the first attempt within the workflow task, for a subscriber that is known to answer fast.
	Local bool `json:"local,omitempty"`
}

// DeliverToSubscriberResult says which attempt delivered.
type DeliverToSubscriberResult struct {
	Attempt int `json:"attempt"`
}

// CancelSignal is the argument of SignalCancel. Both fields may be empty.
type CancelSignal struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// RedeliverSignal is the argument of SignalRedeliver. It may be empty. A delivery that closes with the attempt which is
// being made when the signal arrives stays closed.
type RedeliverSignal struct {
	By string `json:"by,omitempty"`
}

// State answers QueryState.
type State struct {
	DeliveryID   string                `json:"delivery_id"`
	Status       models.DeliveryStatus `json:"status"`
	Redeliveries int                   `json:"redeliveries"` // attempts brought forward by hand
	Attempt      int                   `json:"attempt,omitempty"`
	Reason       string                `json:"reason,omitempty"`
}
