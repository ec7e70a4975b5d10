package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// getSubscriptionSecret handles GET /v1/subscriptions/{id}/secret.
func (s *server) getSubscriptionSecret(c *gin.Context) {
	subscription, err := s.subscription(c)
	if err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, secretView{Secret: newestSecret(subscription)})
}

// getPublicKey handles GET /v1/subscriptions/{id}/public-key: what a receiver of Ed25519 signatures verifies with.
func (s *server) getPublicKey(c *gin.Context) {
	subscription, err := s.subscription(c)
	if err != nil {
		fail(c, err)
		return
	}
	if subscription.Signature != models.SignatureEd25519 {
		fail(c, models.Errorf(models.CodeConflict, "the signature is %q, which has no public key", subscription.Signature))
		return
	}
	keys, err := publicKeys(subscription, s.Now())
	if err != nil {
		fail(c, fmt.Errorf("public keys of %s: %w", subscription.ID, err))
		return
	}
	reply(c, http.StatusOK, publicKeyView{PublicKey: keys[0], PublicKeys: keys})
}

// publicKeys lists those that verify what is signed now, newest first.
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
	Grace  optional[duration] `json:"grace"`
	Secret optional[string]   `json:"secret"`
}

func (in rotateInput) grace() time.Duration {
	grace := duration(models.DefaultGrace)
	in.Grace.set(&grace)
	return time.Duration(grace)
}

// rotateSecret handles POST /v1/subscriptions/{id}/rotate-secret: a new secret signs at once, also what waits to be tried
// again, and the old one goes on signing beside it for the grace.
func (s *server) rotateSecret(c *gin.Context) {
	id, err := pathID(c, "subscription", models.SubscriptionPrefix)
	if err != nil {
		fail(c, err)
		return
	}
	var in rotateInput
	if err := readOptionalJSON(c, &in); err != nil {
		fail(c, err)
		return
	}
	entry, err := newEntry(c, models.AuditRotateSecret)
	if err != nil {
		fail(c, err)
		return
	}
	changed, err := s.Store.UpdateSubscription(c.Request.Context(), id, func(sub *models.Subscription) error {
		secret, err := chosenSecret(in.Secret, sub.Signature)
		if err != nil {
			return err
		}
		return sub.Rotate(secret, in.grace(), s.Now())
	}, entry)
	if err != nil {
		fail(c, fmt.Errorf("rotate secret: %w", err))
		return
	}
	reply(c, http.StatusOK, newRotatedView(changed))
}

// newestSecret is the secret a receiver should hold.
func newestSecret(sub *models.Subscription) string {
	if len(sub.Secrets) == 0 {
		return ""
	}
	return sub.Secrets[0].Value
}

// secretView answers the one call that is for reading the secret.
type secretView struct {
	Secret string `json:"secret"`
}

// publicKeyView answers with the newest public key, and with all that are in use.
type publicKeyView struct {
	PublicKey  string   `json:"public_key"`
	PublicKeys []string `json:"public_keys"`
}

// rotatedView answers a rotation: the new secret, and when the ones before it stop signing.
type rotatedView struct {
	Secret            string      `json:"secret"`
	PreviousExpiresAt []timestamp `json:"previous_expires_at"`
}

func newRotatedView(sub *models.Subscription) rotatedView {
	view := rotatedView{Secret: newestSecret(sub), PreviousExpiresAt: []timestamp{}}
	for _, old := range sub.Secrets[1:] {
		view.PreviousExpiresAt = append(view.PreviousExpiresAt, timestamp(old.ExpiresAt))
	}
	return view
}
