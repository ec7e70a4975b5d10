package activities

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

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

// header builds the request's headers; ours come last, so that nothing overrides them.
func (a *Activities) header(j *job, body []byte) (http.Header, error) {
	header := http.Header{}
	for name, value := range j.subscription.Headers {
		header.Set(name, value)
	}
	header.Set("Content-Type", models.ContentType(j.delivery.Payload))
	header.Set("User-Agent", a.userAgent)
	header.Set("X-Webhook-Event", j.event.Type)
	header.Set("X-Webhook-Delivery", j.delivery.ID)
	header.Set("X-Webhook-Attempt", strconv.Itoa(j.number()))
	return header, a.sign(header, j, body)
}

// sign sets the headers of the subscription's signature profile, with a signature for each live secret.
func (a *Activities) sign(header http.Header, j *job, body []byte) error {
	now, profile := a.now(), webhook.Profile(j.subscription.Signature)
	var secrets []webhook.Secret
	for _, value := range j.subscription.LiveSecrets(now) {
		secret, err := profile.ParseSecret(value)
		if err != nil {
			return fmt.Errorf("a secret of subscription %s: %w", j.subscription.ID, err)
		}
		secrets = append(secrets, secret)
	}
	if err := profile.SetHeaders(header, j.event.ID, now, body, secrets...); err != nil {
		return fmt.Errorf("sign for subscription %s: %w", j.subscription.ID, err)
	}
	return nil
}

// redact copies the headers for the record without the values of the subscriber's credentials.
func redact(header http.Header, s *models.Subscription) http.Header {
	kept := header.Clone()
	if s.Auth.Enabled() {
		kept.Set("Authorization", redacted) // what the sender adds
	}
	for name := range s.Headers {
		if models.CredentialHeader(name) {
			kept.Set(name, redacted)
		}
	}
	return kept
}
