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
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Type   string `json:"type"`

	Status EventStatus `json:"status"`

	// Matched is how many deliveries it has, which is 0 when no subscription
	// matched it; nil until it is planned.
	Matched        *int              `json:"matched,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
	CreatedAt      time.Time         `json:"created_at"`
	Data           json.RawMessage   `json:"data,omitempty"`

	// Request is what is kept of the request that a webhook came with; nil for
	// an event that was published, and in a list.
	Request *ReceivedRequest `json:"request,omitempty"`

	// Deliveries are the newest 200. DeliveriesLink leads to all of them; "" if
	// there are no more.
	Deliveries     []DeliverySummary `json:"deliveries,omitempty"`
	DeliveriesLink string            `json:"deliveries_link,omitempty"`
	Links          map[string]string `json:"links"`
}

func (e StoredEvent) identity() string { return e.ID }

// ReceivedRequest is what a provider said beside the body of its webhook. The
// server has left out credentials, signatures and what is of the connection.
type ReceivedRequest struct {
	Method  string      `json:"method"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers,omitempty"`

	// Cut tells that there was more than the server keeps.
	Cut bool `json:"cut,omitempty"`
}

// DeliverySummary is a delivery in short.
type DeliverySummary struct {
	ID             string         `json:"id"`
	SubscriptionID string         `json:"subscription_id"`
	Status         DeliveryStatus `json:"status"`
	Attempts       int            `json:"attempts"`
	NextAttemptAt  time.Time      `json:"next_attempt_at,omitzero"`
}

// EventFilter selects events for a list. The zero value selects all.
type EventFilter struct {
	Tenant string
	Type   string // exactly
	// IdempotencyKey, exactly, needs the Tenant, in which it is unique.
	IdempotencyKey string
	Since          time.Time // inclusive
	Until          time.Time // exclusive
	PageSize       int       // how many are fetched at a time, up to 200; 0: the server's default
}

// Event looks one up.
func (c *Client) Event(ctx context.Context, id string) (*StoredEvent, error) {
	return fetch[StoredEvent](ctx, c, "events", id)
}

// Events lists them, newest first, page by page as it goes.
func (c *Client) Events(ctx context.Context, f EventFilter) iter.Seq2[StoredEvent, error] {
	return list[StoredEvent](ctx, c, "v1/events", queryOf("tenant", f.Tenant, "type", f.Type,
		"idempotency_key", f.IdempotencyKey, "since", moment(f.Since), "until", moment(f.Until), "limit", number(f.PageSize)))
}

// Bulk is an action on many deliveries that the server has begun.
type Bulk struct {
	// EventID or SubscriptionID is whose deliveries they are.
	EventID        string `json:"event_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"`

	// Deliveries is how many there were to act on when it was asked for.
	Deliveries int               `json:"deliveries"`
	Links      map[string]string `json:"links"`
}

func (b Bulk) identity() string { return b.EventID + b.SubscriptionID }

// CancelEvent stops all deliveries of the event that were not delivered.
func (c *Client) CancelEvent(ctx context.Context, id, reason string) (*Bulk, error) {
	return act[Bulk](ctx, c, false, reasoned{reason}, "events", id, "cancel")
}

// RedeliverEvent makes a further attempt of all deliveries of the event, rate
// of them a second; 0 is the server's default. It is not tried again when it
// may have arrived.
func (c *Client) RedeliverEvent(ctx context.Context, id string, rate int, reason string) (*Bulk, error) {
	return act[Bulk](ctx, c, true, paced{rate, reason}, "events", id, "redeliver")
}
