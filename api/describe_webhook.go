package api

import (
	"encoding/json"
	"net/http"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/openapi"
	"github.com/posthaste/posthaste/webhook"
)

// envelope is the body of a delivery in the form envelope; models.Body writes it.
type envelope struct {
	Type       string                     `json:"type"`
	Timestamp  client.Timestamp           `json:"timestamp" jsonschema_description:"The time when the event was accepted."`
	Data       json.RawMessage            `json:"data" jsonschema_description:"The data of the event, as it was published."`
	Properties map[string]json.RawMessage `json:"properties,omitempty" jsonschema_description:"Of the subscription."`
}

// cloudEvent is the body in the form cloudevents.
type cloudEvent struct {
	SpecVersion     string           `json:"specversion"`
	ID              string           `json:"id" jsonschema_description:"The id of the event."`
	Source          string           `json:"source"`
	Type            string           `json:"type"`
	Time            client.Timestamp `json:"time" jsonschema_description:"The time when the event was accepted."`
	DataContentType string           `json:"datacontenttype"`
	Data            json.RawMessage  `json:"data" jsonschema_description:"The data of the event, as it was published."`
}

// deliveryCall is the request that subscribers receive.
func deliveryCall() openapi.Call {
	header := func(name, description, example string) openapi.Parameter {
		return openapi.Parameter{Name: name, In: "header", Of: "", Required: true, Description: description, Example: example}
	}
	return openapi.Call{
		ID: "receiveDelivery", Method: http.MethodPost, Path: "delivery", Tag: "webhooks", Summary: "Receive an event",
		Description: "Verify the signature over the bytes as received, store the event with its `webhook-id`, and answer 2xx. " +
			"Any other answer is retried. The subscription's `signature` and `payload` select the header with the signature and the form of the body.",
		Parameters: []openapi.Parameter{
			header(webhook.HeaderID, "The id of the event, the same on every attempt.", exampleEvent.ID),
			header(webhook.HeaderTimestamp, "The time of the attempt in Unix seconds.", "1795309286"),
			header(webhook.Standard.Header(), "Proves who sent the request, with the signature `standard`.", "v1,5tqAGAwesGuOU8IjE9iavmnHn723QJ5nIqDY7fjlivM="),
			header("X-Webhook-Event", "The type of the event.", exampleEvent.Type),
			header("X-Webhook-Delivery", "The id of the delivery.", exampleDelivery.ID),
			header("X-Webhook-Attempt", "1, 2, 3 … over the life of the delivery.", "1"),
		},
		Body: &openapi.Body{
			AnyOf:   []any{envelope{}, cloudEvent{}},
			Example: envelope{Type: exampleEvent.Type, Timestamp: exampleTime, Data: exampleEvent.Data},
		},
		Answers: []openapi.Answer{{Description: "The event is stored."}},
	}
}
