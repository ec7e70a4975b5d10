package client

import (
	"context"
	"fmt"
)

// Secret fetches the newest secret of the subscription, for its receiver. The
// error is [ErrConflict] for a subscription with [SignatureEd25519], which has
// no secret that a receiver may know; see [Client.PublicKeys].
func (c *Client) Secret(ctx context.Context, id string) (string, error) {
	key, err := c.signingKey(ctx, id)
	if err != nil {
		return "", err
	}
	if key.PrivateKey != "" {
		return "", fmt.Errorf("%w: it signs with a private key; its receiver verifies with the public key", ErrConflict)
	}
	return key.Secret, nil
}

// PrivateKey fetches the newest private key (whsk_…) of a subscription with
// [SignatureEd25519], for a backup. Its holder can sign as the server does:
// give it to no receiver. The error is [ErrConflict] for other subscriptions.
func (c *Client) PrivateKey(ctx context.Context, id string) (string, error) {
	key, err := c.signingKey(ctx, id)
	if err != nil {
		return "", err
	}
	if key.PrivateKey == "" {
		return "", fmt.Errorf("%w: it signs with a secret, not with a private key", ErrConflict)
	}
	return key.PrivateKey, nil
}

// SigningKey is the key that a subscription signs with: one of the two.
// [Client.Secret] and [Client.PrivateKey] fetch it.
type SigningKey struct {
	Secret     string `json:"secret,omitempty"`
	PrivateKey string `json:"private_key,omitempty"`
}

func (c *Client) signingKey(ctx context.Context, id string) (key SigningKey, err error) {
	path, err := pathOf("subscriptions", id, "secret")
	if err != nil {
		return key, err
	}
	if err := c.get(ctx, path, nil, &key); err != nil {
		return key, err
	}
	if key == (SigningKey{}) {
		return key, fmt.Errorf("%w: it has neither secret nor private key", ErrAnswer)
	}
	return key, nil
}

// VerifyingKeys are the keys with which the receiver of a subscription with
// [SignatureEd25519] verifies. [Client.PublicKeys] fetches them.
type VerifyingKeys struct {
	PublicKey  string   `json:"public_key"`  // the newest
	PublicKeys []string `json:"public_keys"` // all that are in use, the newest first
}

// PublicKeys fetches the keys (whpk_…) with which the receiver of a
// subscription with [SignatureEd25519] verifies, the newest first; several
// while keys are rotated. The error is [ErrConflict] for other subscriptions.
func (c *Client) PublicKeys(ctx context.Context, id string) ([]string, error) {
	path, err := pathOf("subscriptions", id, "public-key")
	if err != nil {
		return nil, err
	}
	var answer VerifyingKeys
	if err := c.get(ctx, path, nil, &answer); err != nil {
		return nil, err
	}
	if len(answer.PublicKeys) == 0 {
		return nil, fmt.Errorf("%w: it has no public key", ErrAnswer)
	}
	return answer.PublicKeys, nil
}

// Rotation asks for a new secret. With the zero value the server makes the
// secret, and the earlier secrets sign for 24 hours more.
type Rotation struct {
	Secret string    `json:"secret,omitempty"` // "": the server makes one
	Grace  *Duration `json:"grace,omitempty"`  // how long the earlier secrets go on signing; nil: 24h

	// SignWith says which secret signs during the grace where the signature has
	// room for one (github, aspnet, servicestack): previous, which is also the
	// meaning of "", or new. With other signatures all secrets sign, and it
	// must be "".
	SignWith string `json:"sign_with,omitempty"`
}

// Rotated is the result of a rotation.
type Rotated struct {
	// Secret is the new secret. Where the signature is [SignatureEd25519] it is
	// "", and PublicKey is the new key with which receivers verify.
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"`

	// PreviousExpiresAt is the time at which each earlier secret stops signing.
	PreviousExpiresAt []Timestamp `json:"previous_expires_at"`

	// SignWith says which secrets sign during the grace: all, previous or new.
	// It is empty when there is no grace.
	SignWith string `json:"sign_with,omitempty"`
}

func (r Rotated) identity() string { return r.Secret + r.PublicKey }

// RotateSecret replaces the present secret by a new one. The call is not
// retried when it may have arrived: each call would make another secret.
func (c *Client) RotateSecret(ctx context.Context, id string, r Rotation) (*Rotated, error) {
	return act[Rotated](ctx, c, true, r, "subscriptions", id, "rotate-secret")
}
