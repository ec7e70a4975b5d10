package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

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
	return act[Subscription](ctx, c, false, reasoned{reason}, "subscriptions", id, "pause")
}

// ResumeSubscription releases the held deliveries. rate is the number of
// deliveries per second; 0 is the server's default.
func (c *Client) ResumeSubscription(ctx context.Context, id string, rate int, reason string) (*Subscription, error) {
	return act[Subscription](ctx, c, false, paced{rate, reason}, "subscriptions", id, "resume")
}

// CancelWaiting cancels all events that were accepted for the subscription
// before the call and are not delivered. Events accepted after the answer are
// delivered.
func (c *Client) CancelWaiting(ctx context.Context, id, reason string) (*Bulk, error) {
	return act[Bulk](ctx, c, false, reasoned{reason}, "subscriptions", id, "cancel")
}

// Secret fetches the newest secret of the subscription, for its receiver. The
// error is [ErrConflict] for a subscription with [SignatureEd25519], which has
// no secret that a receiver may know; see [Client.PublicKeys].
func (c *Client) Secret(ctx context.Context, id string) (string, error) {
	keys, err := c.signingKeys(ctx, id)
	if err != nil {
		return "", err
	}
	if keys.Private != "" {
		return "", fmt.Errorf("%w: it signs with a private key; its receiver verifies with the public key", ErrConflict)
	}
	return keys.Secret, nil
}

// PrivateKey fetches the newest private key (whsk_…) of a subscription with
// [SignatureEd25519], for a backup. Its holder can sign as the server does:
// give it to no receiver. The error is [ErrConflict] for other subscriptions.
func (c *Client) PrivateKey(ctx context.Context, id string) (string, error) {
	keys, err := c.signingKeys(ctx, id)
	if err != nil {
		return "", err
	}
	if keys.Private == "" {
		return "", fmt.Errorf("%w: it signs with a secret, not with a private key", ErrConflict)
	}
	return keys.Private, nil
}

// signingKeys holds the key that a subscription signs with: one of the two.
type signingKeys struct {
	Secret  string `json:"secret"`
	Private string `json:"private_key"`
}

func (c *Client) signingKeys(ctx context.Context, id string) (keys signingKeys, err error) {
	path, err := pathOf("subscriptions", id, "secret")
	if err != nil {
		return keys, err
	}
	if err := c.get(ctx, path, nil, &keys); err != nil {
		return keys, err
	}
	if keys.Secret == "" && keys.Private == "" {
		return keys, fmt.Errorf("%w: it has neither secret nor private key", ErrAnswer)
	}
	return keys, nil
}

// PublicKeys fetches the keys (whpk_…) with which the receiver of a
// subscription with [SignatureEd25519] verifies, the newest first; several
// while keys are rotated. The error is [ErrConflict] for other subscriptions.
func (c *Client) PublicKeys(ctx context.Context, id string) ([]string, error) {
	path, err := pathOf("subscriptions", id, "public-key")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Keys []string `json:"public_keys"`
	}
	if err := c.get(ctx, path, nil, &answer); err != nil {
		return nil, err
	}
	if len(answer.Keys) == 0 {
		return nil, fmt.Errorf("%w: it has no public key", ErrAnswer)
	}
	return answer.Keys, nil
}

// Rotation asks for a new secret. With the zero value the server makes the
// secret, and the earlier secrets sign for 24 hours more.
type Rotation struct {
	Secret string         // "": the server makes one
	Grace  *time.Duration // how long the earlier secrets go on signing; nil: 24h

	// SignWith says which secret signs during the grace where the signature has
	// room for one (github, aspnet, servicestack): previous, which is also the
	// meaning of "", or new. With other signatures all secrets sign, and it
	// must be "".
	SignWith string
}

// Rotated is the result of a rotation.
type Rotated struct {
	// Secret is the new secret. Where the signature is [SignatureEd25519] it is
	// "", and PublicKey is the new key with which receivers verify.
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"`

	// SignWith says which secrets sign during the grace: all, previous or new.
	// It is empty when there is no grace.
	SignWith string `json:"sign_with,omitempty"`

	// PreviousExpiresAt is the time at which each earlier secret stops signing.
	PreviousExpiresAt []time.Time `json:"previous_expires_at"`
}

func (r Rotated) identity() string { return r.Secret + r.PublicKey }

// RotateSecret replaces the present secret by a new one. The call is not
// retried when it may have arrived: each call would make another secret.
func (c *Client) RotateSecret(ctx context.Context, id string, r Rotation) (*Rotated, error) {
	body := struct {
		Secret   string    `json:"secret,omitempty"`
		Grace    *Duration `json:"grace,omitempty"`
		SignWith string    `json:"sign_with,omitempty"`
	}{r.Secret, (*Duration)(r.Grace), r.SignWith}
	return act[Rotated](ctx, c, true, body, "subscriptions", id, "rotate-secret")
}
