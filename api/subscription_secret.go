package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// getSubscriptionSecret handles GET /v1/subscriptions/{id}/secret: the newest key that signs. A private key has a name of
// its own, so that nobody gives it to a receiver. Nobody gets it without an entry in the audit.
func (s *server) getSubscriptionSecret(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditRevealSecret)
	if err != nil {
		return err
	}
	entry.Tenant, entry.Subject = subscription.Tenant, subscription.ID
	if err := s.Store.AddAudit(c.Request.Context(), entry); err != nil {
		return fmt.Errorf("audit the reading of a secret: %w", err)
	}
	if subscription.Signature == models.SignatureEd25519 {
		return reply(c, http.StatusOK, client.SigningKey{PrivateKey: newestSecret(subscription)})
	}
	return reply(c, http.StatusOK, client.SigningKey{Secret: newestSecret(subscription)})
}

// getPublicKey handles GET /v1/subscriptions/{id}/public-key: the keys with which a receiver verifies
// Ed25519 signatures.
func (s *server) getPublicKey(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	if subscription.Signature != models.SignatureEd25519 {
		return models.Errorf(models.CodeConflict, "the signature is %q, which has no public key", subscription.Signature)
	}
	keys, err := publicKeys(subscription, s.Now())
	if err != nil {
		return fmt.Errorf("public keys of %s: %w", subscription.ID, err)
	}
	return reply(c, http.StatusOK, client.VerifyingKeys{PublicKey: keys[0], PublicKeys: keys})
}

// publicKeys lists the keys that verify the present signatures, newest first.
func publicKeys(sub *models.Subscription, now time.Time) ([]string, error) {
	var keys []string
	for _, value := range sub.LiveSecrets(now) {
		secret, err := webhook.StandardEd25519.ParseSecret(value)
		if err != nil {
			return nil, err
		}
		public, err := secret.PublicKey()
		if err != nil {
			return nil, err
		}
		keys = append(keys, public.String())
	}
	return keys, nil
}

// rotateInput may be left out altogether.
type rotateInput struct {
	Grace    optional[duration]        `json:"grace"`
	Secret   optional[string]          `json:"secret"`
	SignWith optional[models.SignWith] `json:"sign_with"`
}

func (in rotateInput) grace() time.Duration {
	grace := duration(models.DefaultGrace)
	in.Grace.set(&grace)
	return time.Duration(grace)
}

// rotate makes the new secret the newest.
func (in rotateInput) rotate(sub *models.Subscription, now time.Time) error {
	secret, err := chosenSecret(in.Secret, sub.Signature)
	if err != nil {
		return err
	}
	if in.SignWith.given && !in.SignWith.null {
		if err := mayChooseSigner(sub.Signature); err != nil {
			return err
		}
	}
	return sub.Rotate(secret, in.grace(), in.SignWith.value, now)
}

// mayChooseSigner refuses the choice where all live secrets sign.
func mayChooseSigner(signature models.Signature) error {
	if webhook.Profile(signature).HoldsSeveral() {
		return models.Invalid("sign_with", "is not for %q, which signs with the new secret and with those in their grace", signature)
	}
	return nil
}

// rotateSecret handles POST /v1/subscriptions/{id}/rotate-secret. The old secret goes on signing for the grace, beside the
// new one or, where there is room for one signature, in its place. That goes for waiting deliveries too.
func (s *server) rotateSecret(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	var in rotateInput
	if err := readOptionalJSON(c, &in); err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditRotateSecret)
	if err != nil {
		return err
	}
	changed, err := s.Store.UpdateSubscription(c.Request.Context(), subscription.ID, func(sub *models.Subscription) error {
		return in.rotate(sub, s.Now())
	}, entry)
	if err != nil {
		return fmt.Errorf("rotate secret: %w", err)
	}
	given, err := newReceiverKey(changed, s.Now())
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, showRotated(changed, given, s.Now()))
}

// receiverKey is the key with which a receiver verifies: the secret or, if that is a private key, the public key.
type receiverKey struct{ secret, public string }

func newReceiverKey(sub *models.Subscription, now time.Time) (receiverKey, error) {
	if sub.Signature != models.SignatureEd25519 {
		return receiverKey{secret: newestSecret(sub)}, nil
	}
	keys, err := publicKeys(sub, now)
	if err != nil {
		return receiverKey{}, fmt.Errorf("public keys of %s: %w", sub.ID, err)
	}
	return receiverKey{public: keys[0]}, nil
}

// newestSecret returns the secret that signs until the next rotation.
func newestSecret(sub *models.Subscription) string {
	if len(sub.Secrets) == 0 {
		return ""
	}
	return sub.Secrets[0].Value
}

// showRotated answers a rotation: the new secret or public key, when the secrets before it end, and which of them sign until
// then.
func showRotated(sub *models.Subscription, given receiverKey, now time.Time) client.Rotated {
	return client.Rotated{
		Secret: given.secret, PublicKey: given.public,
		PreviousExpiresAt: append([]client.Timestamp{}, previousExpiry(sub, now)...), SignWith: signWith(sub, now),
	}
}

// previousExpiry lists when the secrets that are in their grace end, the newest first.
func previousExpiry(sub *models.Subscription, now time.Time) []client.Timestamp {
	var ends []client.Timestamp
	for _, secret := range sub.Secrets {
		if secret.ExpiresAt.After(now) {
			ends = append(ends, stamp(secret.ExpiresAt))
		}
	}
	return ends
}

// signWith says in a word which secrets sign while a grace is running; otherwise it is empty.
func signWith(sub *models.Subscription, now time.Time) string {
	with := string(sub.SignWith(now))
	if with != "" && webhook.Profile(sub.Signature).HoldsSeveral() {
		return "all"
	}
	return with
}
