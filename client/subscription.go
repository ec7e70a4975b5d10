package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
)

// Subscription is a subscriber's endpoint and the events that it wants, as the
// server shows it. Header values and credentials come as "[redacted]"; sending
// that back leaves them unchanged.
type Subscription struct {
	// ID is sub_…
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Name   string `json:"name"`
	URL    string `json:"url"`

	// EventTypes are patterns: order.paid, order.* or *.
	EventTypes []string          `json:"event_types"`
	Headers    map[string]string `json:"headers"`

	// ForwardHeaders are patterns of the headers that are forwarded from the
	// webhook by which an event came: a name, X-Shopify-* or *, which is the
	// default.
	ForwardHeaders []string                   `json:"forward_headers"`
	Properties     map[string]json.RawMessage `json:"properties"`

	Auth      *Auth     `json:"auth,omitempty"` // nil: none
	TLS       *TLS      `json:"tls,omitempty"`  // nil: none
	Signature Signature `json:"signature"`
	Payload   Payload   `json:"payload"`

	// Timeout bounds a whole attempt. RetrySchedule is the schedule in force,
	// which may be the default.
	Timeout       Duration           `json:"timeout"`
	RetrySchedule []Duration         `json:"retry_schedule"`
	Status        SubscriptionStatus `json:"status"`

	// ResumeRate is the number of held deliveries per second that are released
	// after a pause, while some are held; otherwise 0.
	ResumeRate int `json:"resume_rate,omitempty"`

	// PausedAt, PausedBy and PausedReason say since when it is paused, by whom
	// and why. Held is the number of held deliveries, up to 100,000; nil while
	// none can be held, and in a list.
	PausedAt     Timestamp `json:"paused_at,omitzero"`
	PausedBy     string    `json:"paused_by,omitempty"`
	PausedReason string    `json:"paused_reason,omitempty"`
	Held         *int      `json:"held,omitempty"`

	// FailingSince is the time at which the oldest of the deliveries that are
	// being retried began to fail; zero when none is being retried.
	FailingSince Timestamp `json:"failing_since,omitzero"`

	// DisabledReason says why the server disabled the subscription.
	DisabledReason string `json:"disabled_reason,omitempty"`

	// SignWith says which secrets sign during the grace of a rotation: all
	// where the signature has room for several, else previous or new. It is
	// empty when no grace is running. PreviousExpiresAt is the time at which
	// each secret before the newest expires.
	SignWith          string      `json:"sign_with,omitempty"`
	PreviousExpiresAt []Timestamp `json:"previous_expires_at,omitempty"`

	CreatedAt Timestamp `json:"created_at"`
	UpdatedAt Timestamp `json:"updated_at"`
	Links     Links     `json:"links"`

	// Secret signs the deliveries, and PublicKey verifies them where the
	// signature is [SignatureEd25519], whose private key stays with the server.
	// Only the answer of CreateSubscription has them; [Client.Secret] and
	// [Client.PublicKeys] fetch them later.
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"`
}

func (s Subscription) identity() string { return s.ID }

// SubscriptionFields holds the fields with which a subscription is created or
// changed. A field with its zero value gets its default, or stays as it is; an
// empty map that is not nil empties the field.
type SubscriptionFields struct {
	// Tenant and Secret can be set only when creating.
	Tenant string `json:"tenant,omitempty"`
	Secret string `json:"secret,omitempty"`

	// SignWith can be changed only while the grace of a rotation is running,
	// see [Rotation].
	SignWith string `json:"sign_with,omitempty"`

	Name       *string                    `json:"name,omitempty"`
	URL        string                     `json:"url,omitempty"` // required to create
	EventTypes []string                   `json:"event_types,omitempty"`
	Headers    map[string]string          `json:"headers,omitzero"`
	Properties map[string]json.RawMessage `json:"properties,omitzero"`

	// ForwardHeaders forwards no headers if it is empty but not nil.
	ForwardHeaders []string `json:"forward_headers,omitzero"`

	Auth          *Auth              `json:"auth,omitempty"`
	TLS           *TLS               `json:"tls,omitempty"`
	Signature     Signature          `json:"signature,omitempty"`
	Payload       Payload            `json:"payload,omitempty"`
	Timeout       Duration           `json:"timeout,omitempty"`
	RetrySchedule []Duration         `json:"retry_schedule,omitempty"`
	Status        SubscriptionStatus `json:"status,omitempty"`
}

// Auth says how requests authenticate to the receiver. Type decides which of
// the other fields are used.
type Auth struct {
	Type         AuthType `json:"type"`
	Username     string   `json:"username,omitempty"`
	Password     string   `json:"password,omitempty"`
	Token        string   `json:"token,omitempty"`
	TokenURL     string   `json:"token_url,omitempty"`
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}

// TLS holds certificates in PEM: a client certificate with its key, and
// authorities to trust besides the system's.
type TLS struct {
	ClientCert string `json:"client_cert,omitempty"`
	ClientKey  string `json:"client_key,omitempty"`
	CA         string `json:"ca,omitempty"`
}

// SubscriptionFilter selects subscriptions for a list. The zero value selects
// all.
type SubscriptionFilter struct {
	Tenant   string
	Status   SubscriptionStatus // "" selects all
	PageSize int                // how many are fetched at a time, up to 200; 0: the server's default
}

// CreateSubscription registers a subscriber. The answer has the key with which
// its receiver verifies: the secret, or for [SignatureEd25519] the public key.
// The call is not retried when it may have arrived.
func (c *Client) CreateSubscription(ctx context.Context, fields SubscriptionFields) (*Subscription, error) {
	return send[Subscription](ctx, c, call{method: http.MethodPost, path: "v1/subscriptions", once: true}, fields)
}

// Subscription looks up a subscription.
func (c *Client) Subscription(ctx context.Context, id string) (*Subscription, error) {
	return fetch[Subscription](ctx, c, "subscriptions", id)
}

// Subscriptions lists subscriptions, newest first. It fetches one page after
// the other while the caller walks through the list.
func (c *Client) Subscriptions(ctx context.Context, f SubscriptionFilter) iter.Seq2[Subscription, error] {
	return list[Subscription](ctx, c, "v1/subscriptions",
		queryOf("tenant", f.Tenant, "status", string(f.Status), "limit", number(f.PageSize)))
}

// UpdateSubscription changes the fields that are given, and sets the fields
// named in reset back to their defaults: headers, forward_headers, properties,
// auth, tls or retry_schedule.
func (c *Client) UpdateSubscription(
	ctx context.Context, id string, fields SubscriptionFields, reset ...string,
) (*Subscription, error) {
	path, err := pathOf("subscriptions", id)
	if err != nil {
		return nil, err
	}
	change, err := patchOf(fields, reset)
	if err != nil {
		return nil, err
	}
	return send[Subscription](ctx, c, call{method: http.MethodPatch, path: path}, change)
}

// patchOf encodes the fields and adds null for each field that is reset.
func patchOf(fields any, reset []string) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(text, &patch); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, field := range reset {
		patch[field] = json.RawMessage("null")
	}
	return patch, nil
}

// DeleteSubscription deletes a subscription. Its deliveries can still be read.
// The error is [ErrNotFound] for a subscription that is gone already, even when
// an earlier attempt of the same call deleted it and its answer was lost.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	path, err := pathOf("subscriptions", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// PauseSubscription holds the present and future deliveries of a subscription
// until it is resumed. A second call changes nothing.
func (c *Client) PauseSubscription(ctx context.Context, id, reason string) (*Subscription, error) {
	return act[Subscription](ctx, c, false, ActionRequest{reason}, "subscriptions", id, "pause")
}

// ResumeSubscription releases the held deliveries. rate is the number of
// deliveries per second; 0 is the server's default.
func (c *Client) ResumeSubscription(ctx context.Context, id string, rate int, reason string) (*Subscription, error) {
	return act[Subscription](ctx, c, false, JobRequest{rate, reason}, "subscriptions", id, "resume")
}

// CancelWaiting cancels all events that were accepted for the subscription
// before the call and are not delivered. Events accepted after the answer are
// delivered.
func (c *Client) CancelWaiting(ctx context.Context, id, reason string) (*Cancellation, error) {
	return act[Cancellation](ctx, c, false, ActionRequest{reason}, "subscriptions", id, "cancel")
}
