package client

// Bulk is an action on many deliveries that the server has begun.
type Bulk struct {
	// EventID, SubscriptionID or Tenant identifies the owner of the deliveries.
	EventID        string `json:"event_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"`
	Tenant         string `json:"tenant,omitempty"`

	// Deliveries is the number of deliveries to act on when the action was
	// requested.
	Deliveries int   `json:"deliveries"`
	Links      Links `json:"links"`
}

func (b Bulk) identity() string { return b.EventID + b.SubscriptionID + b.Tenant }

// Cancellation is the cancellation of many deliveries.
type Cancellation struct {
	Bulk

	// Events is the number of events that it also stopped and whose deliveries
	// were not planned yet.
	Events int `json:"events"`
}

// ActionRequest is the body of an action that takes a reason. The calls of
// [Client] fill it in.
type ActionRequest struct {
	Reason string `json:"reason,omitempty"`
}

// JobRequest is the body of an action on many deliveries. The calls of [Client]
// fill it in.
type JobRequest struct {
	Rate   int    `json:"rate,omitempty"` // deliveries per second; 0: the server's default
	Reason string `json:"reason,omitempty"`
}
