package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// StoredEvent is an event as the server keeps it. A list leaves out Data,
// Request and Deliveries.
type StoredEvent struct {
	// ID is evt_…
	ID       string            `json:"id"`
	Tenant   string            `json:"tenant"`
	Type     string            `json:"type"`
	Status   EventStatus       `json:"status"`
	Metadata map[string]string `json:"metadata,omitempty"`

	// Matched is the number of its deliveries, which is 0 when no subscription
	// matched it; nil until it is planned.
	Matched *int `json:"matched,omitempty"`

	// PlannedBy is the id of the workflow in Temporal that planned its deliveries:
	// its own, or the workflow of a group of events; "" until it is planned.
	PlannedBy      string          `json:"planned_by,omitempty"`
	IdempotencyKey string          `json:"idempotency_key,omitempty"`
	CreatedAt      Timestamp       `json:"created_at"`
	Links          Links           `json:"links"`
	Data           json.RawMessage `json:"data,omitempty"`

	// PayloadRemoved says that the retention of payloads has ended: the event has no
	// data any more, and cannot be delivered again.
	PayloadRemoved bool `json:"payload_removed,omitempty"`

	// Request is the request by which the event came as a webhook; nil for an
	// event that was published, and in a list.
	Request *ReceivedRequest `json:"request,omitempty"`

	// Traceparent names the trace that it belongs to, and the span by which it was
	// published, as the header of that name does (W3C Trace Context); "" if it has
	// none.
	Traceparent string `json:"traceparent,omitempty"`

	// Deliveries are the newest 200 deliveries, nil in a list. DeliveriesLink is
	// the URL of the full list; "" if there are no more.
	Deliveries     []DeliverySummary `json:"deliveries,omitzero"`
	DeliveriesLink string            `json:"deliveries_link,omitempty"`
}

func (e StoredEvent) identity() string { return e.ID }

// ReceivedRequest is a provider's webhook request without its body. The server
// has left out credentials, signatures and the headers of the connection.
type ReceivedRequest struct {
	Method  string      `json:"method"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers,omitempty"`

	// Cut says that the request had more than the server keeps.
	Cut bool `json:"cut,omitempty"`
}

// DeliverySummary is a short form of a [Delivery].
type DeliverySummary struct {
	ID             string         `json:"id"`
	SubscriptionID string         `json:"subscription_id"`
	Status         DeliveryStatus `json:"status"`
	Attempts       int            `json:"attempts"`
	NextAttemptAt  Timestamp      `json:"next_attempt_at,omitzero"`
}

// EventFilter selects events for a list. The zero value selects all.
type EventFilter struct {
	Tenant string
	Type   string // exactly
	// IdempotencyKey matches exactly. It needs the Tenant, in which it is
	// unique.
	IdempotencyKey string
	Since          time.Time // inclusive
	Until          time.Time // exclusive
	PageSize       int       // how many are fetched at a time, up to 200; 0: the server's default
}

// Event looks up an event.
func (c *Client) Event(ctx context.Context, id string) (*StoredEvent, error) {
	return fetch[StoredEvent](ctx, c, "events", id)
}

// Events lists events, newest first. It fetches one page after the other while
// the caller walks through the list.
func (c *Client) Events(ctx context.Context, f EventFilter) iter.Seq2[StoredEvent, error] {
	return list[StoredEvent](ctx, c, "v1/events", queryOf("tenant", f.Tenant, "type", f.Type,
		"idempotency_key", f.IdempotencyKey, "since", moment(f.Since), "until", moment(f.Until), "limit", number(f.PageSize)))
}

// CancelEvent cancels all deliveries of the event that were not delivered,
// including deliveries that are not planned yet.
func (c *Client) CancelEvent(ctx context.Context, id, reason string) (*Cancellation, error) {
	return act[Cancellation](ctx, c, false, ActionRequest{reason}, "events", id, "cancel")
}

// RedeliverEvent makes a further attempt of all deliveries of the event. rate
// is the number of deliveries per second; 0 is the server's default. The call
// is not retried when it may have arrived.
func (c *Client) RedeliverEvent(ctx context.Context, id string, rate int, reason string) (*Bulk, error) {
	return act[Bulk](ctx, c, true, JobRequest{rate, reason}, "events", id, "redeliver")
}
