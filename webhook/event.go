package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Event is what Posthaste's default payload says, the envelope: the body of a
// request to a subscription whose payload is "envelope". Its id is the
// message's, [Message.ID].
type Event struct {
	// Type is what happened, such as order.paid.
	Type string `json:"type"`

	// Timestamp is when Posthaste accepted the event; the one of the message is
	// when this attempt was sent.
	Timestamp time.Time `json:"timestamp"`

	// Data is the JSON that was published, byte for byte.
	Data json.RawMessage `json:"data"`

	// Properties are the subscription's own; nil when it has none.
	Properties map[string]json.RawMessage `json:"properties"`
}

// ErrNoEvent is what [ParseEvent] gives for a body that is no envelope.
var ErrNoEvent = errors.New("webhook: body is no envelope")

// ParseEvent reads the body of a message. Do so after it was verified. The error
// wraps [ErrNoEvent] if it is not JSON, or has no type or timestamp: then the
// subscription's payload is another, or the sender is not Posthaste.
//
//	var order Order
//	event, err := webhook.ParseEvent(msg.Body)
//	if err == nil && event.Type == "order.paid" {
//		err = json.Unmarshal(event.Data, &order)
//	}
func ParseEvent(body []byte) (Event, error) {
	var event Event
	if err := json.Unmarshal(body, &event); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrNoEvent, err)
	}
	if event.Type == "" || event.Timestamp.IsZero() {
		return Event{}, fmt.Errorf("%w: it has no type or no timestamp", ErrNoEvent)
	}
	return event, nil
}
