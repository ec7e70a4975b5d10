package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Delivery is the delivery of one event to one subscription.
type Delivery struct {
	// ID is dlv_…
	ID             string `json:"id"`
	Tenant         string `json:"tenant"`
	EventID        string `json:"event_id"`
	EventType      string `json:"event_type"`
	SubscriptionID string `json:"subscription_id"`

	// Receiver is the host of the subscription's URL; "" when the subscription
	// is deleted.
	Receiver string `json:"receiver,omitempty"`

	Status DeliveryStatus `json:"status"`

	// Attempts is the number of attempts so far. NextAttemptAt is the time when
	// the next attempt is due; zero unless pending.
	Attempts      int       `json:"attempts"`
	NextAttemptAt Timestamp `json:"next_attempt_at,omitzero"`

	// FailingSince is the start of the first failed attempt after the last
	// success; zero if none has failed since.
	FailingSince Timestamp `json:"failing_since,omitzero"`

	// ErrorClass is the class of the last attempt's error; "" after success. Code is
	// the status that the receiver answered to it; 0 if it did not. Both are absent of
	// deliveries that were attempted last by a version that did not keep them.
	ErrorClass ErrorClass `json:"error_class,omitempty"`
	Code       int        `json:"code,omitempty"`

	// LastError is the error of the last attempt; "" after success. Reason says
	// why the delivery was cancelled, or who paused it in Temporal.
	LastError string    `json:"last_error,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	CreatedAt Timestamp `json:"created_at"`
	UpdatedAt Timestamp `json:"updated_at"`
	Links     Links     `json:"links"`
}

func (d Delivery) identity() string { return d.ID }

// Open reports whether the delivery is pending or held, so that it may still
// change on its own.
func (d Delivery) Open() bool { return d.Status == Pending || d.Status == Held }

// Attempt is one HTTP request of a delivery.
type Attempt struct {
	Number     int        `json:"number"` // 1, 2, 3 …
	StartedAt  Timestamp  `json:"started_at"`
	URL        string     `json:"url"`
	Request    Request    `json:"request"`
	Response   *Response  `json:"response" jsonschema:"nullable"` // nil: no answer came
	Timing     Timing     `json:"timing"`
	ErrorClass ErrorClass `json:"error_class,omitempty"` // "" after success, like Error
	Error      string     `json:"error,omitempty"`
}

// Request is the part of an attempt's request that the receiver read. The body
// is the same in every attempt.
type Request struct {
	Headers http.Header `json:"headers"`        // the values of credentials come as "[redacted]"
	Body    string      `json:"body,omitempty"` // "", and no values of headers, if the API key lacks payloads:read
}

// Response is a receiver's answer. The server keeps only the start of its body.
type Response struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body,omitempty"`
	BodyCut bool        `json:"body_cut"`
}

// Timing is the time that each phase of an attempt took, in milliseconds; 0 for
// a phase that did not happen.
type Timing struct {
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"` // from the start
	Total     float64 `json:"total_ms"`
}

// Run is one run of a delivery's workflow. A redelivery of a closed delivery is
// a further run.
type Run struct {
	ID        string    `json:"run_id"`
	Status    string    `json:"status"` // as Temporal names it: Running, Completed …
	StartedAt Timestamp `json:"started_at"`
	ClosedAt  Timestamp `json:"closed_at,omitzero"`
	Links     Links     `json:"links"`
}

// DeliveryFilter selects deliveries for a list. The zero value selects all.
type DeliveryFilter struct {
	Tenant         string
	SubscriptionID string
	EventID        string
	EventType      string         // exactly
	Status         DeliveryStatus // "" selects all
	ErrorClass     ErrorClass     // of the last attempt's error; with SubscriptionID only
	Code           int            // answered to the last attempt; with ErrorClass only
	Since          time.Time      // created at or after
	Until          time.Time      // created before
	PageSize       int            // how many are fetched at a time, up to 200; 0: the server's default
}

// Delivery looks up a delivery.
func (c *Client) Delivery(ctx context.Context, id string) (*Delivery, error) {
	return fetch[Delivery](ctx, c, "deliveries", id)
}

// Deliveries lists deliveries, newest first. It fetches one page after the
// other while the caller walks through the list.
func (c *Client) Deliveries(ctx context.Context, f DeliveryFilter) iter.Seq2[Delivery, error] {
	return list[Delivery](ctx, c, "v1/deliveries", queryOf("tenant", f.Tenant, "subscription_id", f.SubscriptionID,
		"event_id", f.EventID, "event_type", f.EventType, "status", string(f.Status),
		"error_class", string(f.ErrorClass), "code", number(f.Code), "since", moment(f.Since), "until", moment(f.Until), "limit", number(f.PageSize)))
}

// Attempts lists all attempts of the delivery, by number.
func (c *Client) Attempts(ctx context.Context, deliveryID string) ([]Attempt, error) {
	return sublist[Attempt](ctx, c, deliveryID, "attempts")
}

// Runs lists the runs of the delivery's workflow that Temporal still has,
// newest first.
func (c *Client) Runs(ctx context.Context, deliveryID string) ([]Run, error) {
	return sublist[Run](ctx, c, deliveryID, "runs")
}

// sublist fetches a list that belongs to a delivery, which is always one page.
func sublist[T any](ctx context.Context, c *Client, deliveryID, what string) ([]T, error) {
	path, err := pathOf("deliveries", deliveryID, what)
	if err != nil {
		return nil, err
	}
	all, err := getPage[T](ctx, c, path, nil)
	if err != nil {
		return nil, err
	}
	return all.Data, nil
}

// History returns the history of one run of the delivery's workflow, in
// Temporal's JSON; if runID is "", of the newest run. The error is
// [ErrNotFound] when Temporal no longer has it.
func (c *Client) History(ctx context.Context, deliveryID, runID string) (json.RawMessage, error) {
	path, err := pathOf("deliveries", deliveryID, "history")
	if err != nil {
		return nil, err
	}
	var history json.RawMessage
	err = c.get(ctx, path, queryOf("run_id", runID), &history)
	return history, err
}

// CancelDelivery stops a delivery. It returns the delivery as it was before the
// cancellation: an attempt under way is finished first. [ErrConflict] means
// that it was delivered or cancelled already.
func (c *Client) CancelDelivery(ctx context.Context, id, reason string) (*Delivery, error) {
	return act[Delivery](ctx, c, false, ActionRequest{reason}, "deliveries", id, "cancel")
}

// RedeliverDelivery makes a further attempt at once, whatever the delivery's
// status. It returns the delivery as it was before the attempt. The call is not
// retried when it may have arrived.
func (c *Client) RedeliverDelivery(ctx context.Context, id, reason string) (*Delivery, error) {
	return act[Delivery](ctx, c, true, ActionRequest{reason}, "deliveries", id, "redeliver")
}
