package activities

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

const redacted = "[redacted]"

// send signs the delivery's body and posts it. The attempt it returns is not recorded yet.
func (a *Activities) send(ctx context.Context, j *job) (*models.Attempt, error) {
	defer a.pace.watch(j.subscription.ID)()
	started := a.now().UTC()
	body := models.Body(j.event, j.delivery)
	header, err := a.header(j, body)
	if err != nil {
		return nil, err
	}
	exchange, err := a.sender.Send(ctx, models.Request{
		URL: j.subscription.URL, Header: header, Body: body, Timeout: j.subscription.Timeout,
		Auth: j.subscription.Auth, TLS: j.subscription.TLS,
	})
	if err != nil {
		return nil, fmt.Errorf("make the attempt: %w", err)
	}
	return &models.Attempt{
		DeliveryID: j.delivery.ID, Number: j.number(), StartedAt: started,
		URL: j.subscription.URL, RequestHeaders: redact(header, j.subscription), Exchange: exchange,
	}, nil
}

// header builds the request's headers: the headers of the webhook by which the event came, the subscription's own, each in
// the spelling of its owner, and ours last, so that nothing overrides them.
func (a *Activities) header(j *job, body []byte) (http.Header, error) {
	header := j.event.Received.Forward(j.subscription.ForwardHeaders)
	for name, value := range j.subscription.Headers {
		models.SetHeader(header, name, value)
	}
	models.SetHeader(header, "Content-Type", models.ContentType(j.delivery.Payload))
	models.SetHeader(header, "User-Agent", a.userAgent)
	models.SetHeader(header, "X-Webhook-Event", j.event.Type)
	models.SetHeader(header, "X-Webhook-Delivery", j.delivery.ID)
	models.SetHeader(header, "X-Webhook-Attempt", strconv.Itoa(j.number()))
	return header, a.sign(header, j, body)
}

// sign sets the headers of the subscription's signature profile.
func (a *Activities) sign(header http.Header, j *job, body []byte) error {
	now, profile := a.now(), webhook.Profile(j.subscription.Signature)
	secrets, err := signingSecrets(j.subscription, profile, now)
	if err != nil {
		return err
	}
	signature, err := profile.Sign(j.event.ID, now, body, secrets...)
	if err != nil {
		return fmt.Errorf("sign for subscription %s: %w", j.subscription.ID, err)
	}
	models.SetHeader(header, webhook.HeaderID, j.event.ID)
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
