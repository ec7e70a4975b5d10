package courier

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// redacted stands in records in place of credentials.
const redacted = "[redacted]"

// Sender makes one HTTP request. The receiver's behaviour is in the Exchange; an error means that we could not try.
type Sender interface {
	Send(ctx context.Context, request safehttp.Request) (models.Exchange, error)
}

// HTTPOptions configures an HTTP courier. Sender is required.
type HTTPOptions struct {
	Sender  Sender
	Version string           // for the User-Agent; empty: "dev"
	Now     func() time.Time // for the signature; nil: time.Now
}

// HTTP carries deliveries as signed POST requests. Safe for concurrent use.
type HTTP struct {
	sender    Sender
	userAgent string
	now       func() time.Time
}

// NewHTTP makes an HTTP courier.
func NewHTTP(o HTTPOptions) *HTTP {
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &HTTP{sender: o.Sender, userAgent: "Posthaste/" + o.Version, now: o.Now}
}

// Carry makes the next attempt of a delivery and returns it, not recorded yet. An error means that we could not try: no
// attempt was made.
func (h *HTTP) Carry(ctx context.Context, work *models.Work) (*models.Attempt, error) {
	started := h.now().UTC()
	body := models.Body(work.Event, work.Delivery)
	header, err := h.header(work, body)
	if err != nil {
		return nil, err
	}
	if traceparent := tracing.Traceparent(ctx); traceparent != "" {
		models.SetHeader(header, "traceparent", traceparent)
	}
	sub := work.Subscription
	exchange, err := h.sender.Send(ctx, safehttp.Request{
		URL: sub.URL, Header: header, Body: body, Timeout: sub.Timeout, Auth: sub.Auth, TLS: sub.TLS,
	})
	if err != nil {
		return nil, fmt.Errorf("make the attempt: %w", err)
	}
	return &models.Attempt{
		DeliveryID: work.Delivery.ID, Number: work.Number(), StartedAt: started,
		URL: sub.URL, RequestHeaders: redact(header, sub), Exchange: exchange,
	}, nil
}

// header builds the request's headers: the headers of the webhook by which the event came, the subscription's own, each in
// the spelling of its owner, and ours last, so that nothing overrides them.
func (h *HTTP) header(work *models.Work, body []byte) (http.Header, error) {
	header := work.Event.Received.Forward(work.Subscription.ForwardHeaders)
	for name, value := range work.Subscription.Headers {
		models.SetHeader(header, name, value)
	}
	models.SetHeader(header, "Content-Type", models.ContentType(work.Delivery.Payload))
	models.SetHeader(header, "User-Agent", h.userAgent)
	models.SetHeader(header, "X-Webhook-Event", work.Event.Type)
	models.SetHeader(header, "X-Webhook-Delivery", work.Delivery.ID)
	models.SetHeader(header, "X-Webhook-Attempt", strconv.Itoa(work.Number()))
	return header, h.sign(header, work, body)
}

// sign sets the headers of the subscription's signature profile.
func (h *HTTP) sign(header http.Header, work *models.Work, body []byte) error {
	now, profile := h.now(), webhook.Profile(work.Subscription.Signature)
	secrets, err := signingSecrets(work.Subscription, profile, now)
	if err != nil {
		return err
	}
	signature, err := profile.Sign(work.Event.ID, now, body, secrets...)
	if err != nil {
		return fmt.Errorf("sign for subscription %s: %w", work.Subscription.ID, err)
	}
	models.SetHeader(header, webhook.HeaderID, work.Event.ID)
	models.SetHeader(header, webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	models.SetHeader(header, profile.Header(), signature)
	return nil
}

// signingSecrets returns all live secrets, or the chosen one where there is room for one signature.
func signingSecrets(sub *models.Subscription, profile webhook.Profile, now time.Time) ([]webhook.Secret, error) {
	values := []string{sub.SigningSecret(now)}
	if profile.HoldsSeveral() {
		values = sub.LiveSecrets(now)
	}
	var secrets []webhook.Secret
	for _, value := range values {
		secret, err := profile.ParseSecret(value)
		if err != nil {
			return nil, fmt.Errorf("a secret of subscription %s: %w", sub.ID, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// redact copies the headers for the record without the values of the subscriber's credentials.
func redact(header http.Header, s *models.Subscription) http.Header {
	kept := header.Clone()
	if s.Auth.Enabled() {
		models.SetHeader(kept, "Authorization", redacted) // what the sender adds
	}
	for name := range s.Headers {
		if models.CredentialHeader(name) {
			models.SetHeader(kept, name, redacted)
		}
	}
	return kept
}
