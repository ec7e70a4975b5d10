package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Event is Posthaste's default payload, the envelope: the body of a request to
// a subscription whose payload is "envelope". Its id is the message's,
// [Message.ID].
type Event struct {
	// Type says what happened, such as order.paid.
	Type string `json:"type"`

	// Timestamp is the time at which Posthaste accepted the event;
	// [Message.Timestamp] is the time at which this attempt was sent.
	Timestamp time.Time `json:"timestamp"`

	// Data is the JSON that was published, byte for byte.
	Data json.RawMessage `json:"data"`

	// Properties are the subscription's own; nil when it has none.
	Properties map[string]json.RawMessage `json:"properties"`
}

// ErrNoEvent is the error of [ParseEvent] for a body that is no envelope.
var ErrNoEvent = errors.New("webhook: body is no envelope")

// ParseEvent reads the body of a message, which must be verified first. The
// error wraps [ErrNoEvent] if the body is not JSON, or has no type or
// timestamp: then the subscription has another payload, or the sender is not
// Posthaste.
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
