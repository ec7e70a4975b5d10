package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// subscriptionInput is the JSON by which a caller creates or changes a subscription.
type subscriptionInput struct {
	Tenant        optional[string]                     `json:"tenant"`
	Name          optional[string]                     `json:"name"`
	URL           optional[string]                     `json:"url"`
	EventTypes    optional[[]string]                   `json:"event_types"`
	Headers       optional[map[string]string]          `json:"headers"`
	Forward       optional[[]string]                   `json:"forward_headers"`
	Properties    optional[map[string]json.RawMessage] `json:"properties"`
	Auth          optional[client.Auth]                `json:"auth"`
	TLS           optional[client.TLS]                 `json:"tls"`
	Secret        optional[string]                     `json:"secret"`
	Signature     optional[models.Signature]           `json:"signature"`
	SignWith      optional[models.SignWith]            `json:"sign_with"`
	Payload       optional[models.Payload]             `json:"payload"`
	Timeout       optional[duration]                   `json:"timeout"`
	RetrySchedule optional[[]duration]                 `json:"retry_schedule"`
	Status        optional[models.SubscriptionStatus]  `json:"status"`
}

// readSubscription reads the body of a creation or a change.
func readSubscription(c *gin.Context) (*subscriptionInput, error) {
	var in subscriptionInput
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if err := normalizeURL("url", &in.URL.value); err != nil {
		return nil, err
	}
	return &in, normalizeURL("auth.token_url", &in.Auth.value.TokenURL)
}

// normalizeURL brings a URL that was given into the form in which it is stored, shown and called.
func normalizeURL(field string, url *string) error {
	if *url == "" {
		return nil
	}
	normal, err := models.NormalURL(field, *url)
	if err != nil {
		return err
	}
	*url = normal
	return nil
}

// checkDestinations refuses URLs that no delivery would call, as soon as they are saved. Whatever their names resolve to
// later is judged when they are called.
func (s *server) checkDestinations(ctx context.Context, in *subscriptionInput) error {
	for _, given := range []struct{ field, url string }{
		{"url", in.URL.value}, {"auth.token_url", in.Auth.value.TokenURL},
	} {
		if given.url == "" {
			continue
		}
		if err := s.Destinations.Check(ctx, given.url); err != nil {
			return models.Invalid(given.field, "cannot be called: %s", err)
		}
	}
	return nil
}

// create makes a new subscription with its secret. A field that is null is as good as absent.
func (in *subscriptionInput) create(now time.Time) (*models.Subscription, error) {
	if in.SignWith.given && !in.SignWith.null {
		return nil, models.Invalid("sign_with", "is for the grace of a rotation; a new subscription has one secret")
	}
	sub := models.NewSubscription(models.Subscription{Tenant: in.Tenant.value}, now)
	// After the defaults, not before: an empty value that was given is judged, not replaced.
	if err := in.apply(sub); err != nil {
		return nil, err
	}
	if err := sub.Validate(); err != nil {
		return nil, err
	}
	secret, err := chosenSecret(in.Secret, sub.Signature)
	sub.Secrets = []models.Secret{{Value: secret}}
	return sub, err
}

// chosenSecret is the given secret, without blanks and marks pasted around it, if it fits the signature, or a new one.
func chosenSecret(given optional[string], signature models.Signature) (string, error) {
	profile := webhook.Profile(signature)
	if !given.given || given.null {
		return profile.NewSecret().Reveal(), nil
	}
	secret := webhook.TrimSecret(given.value)
	return secret, checkSecret("secret", secret, signature)
}

// checkSecret reports, as an error of the field, why a secret cannot sign by the signature.
func checkSecret(field, secret string, signature models.Signature) error {
	if _, err := webhook.Profile(signature).ParseSecret(secret); err != nil {
		return models.Invalid(field, "is not acceptable: %s", strings.TrimPrefix(err.Error(), webhook.ErrBadSecret.Error()+": "))
	}
	return nil
}

// patch sets the fields that were given. It leaves in alone: the store may call it again, on a fresh copy.
func (in *subscriptionInput) patch(sub *models.Subscription, now time.Time) error {
	switch {
	case in.Secret.given:
		return models.Invalid("secret", "cannot be changed by PATCH; POST …/rotate-secret instead")
	case in.Tenant.given:
		return models.Invalid("tenant", "cannot be changed")
	}
	if err := in.refuseNull(); err != nil {
		return err
	}
	if err := in.apply(sub); err != nil {
		return err
	}
	if err := in.keepsSecrets(sub); err != nil {
		return err
	}
	return in.chooseSigner(sub, now)
}

// chooseSigner changes which secret signs during the grace of a rotation, if that was given.
func (in *subscriptionInput) chooseSigner(sub *models.Subscription, now time.Time) error {
	if !in.SignWith.given {
		return nil
	}
	if err := mayChooseSigner(sub.Signature); err != nil {
		return err
	}
	return sub.ChooseSigner(in.SignWith.value, now)
}

// keepsSecrets refuses a change of the signature that the subscription's secrets do not fit.
func (in *subscriptionInput) keepsSecrets(sub *models.Subscription) error {
	if err := sub.Validate(); err != nil || !in.Signature.given {
		return err
	}
	for _, secret := range sub.Secrets {
		if checkSecret("signature", secret.Value, sub.Signature) != nil {
			return models.Invalid("signature", "%q does not work with the subscription's secret; make another subscription", sub.Signature)
		}
	}
	return nil
}

// refuseNull refuses null where there is no default to go back to, or where it is more likely a slip than a wish.
func (in *subscriptionInput) refuseNull() error {
	for _, field := range []struct {
		name string
		null bool
	}{
		{"name", in.Name.null},
		{"url", in.URL.null},
		{"event_types", in.EventTypes.null},
		{"signature", in.Signature.null},
		{"sign_with", in.SignWith.null},
		{"payload", in.Payload.null},
		{"timeout", in.Timeout.null},
		{"status", in.Status.null},
	} {
		if field.null {
			return models.Invalid(field.name, "must not be null")
		}
	}
	return nil
}

// apply carries over every field that was given; the store or the caller validates the result.
func (in *subscriptionInput) apply(sub *models.Subscription) error {
	headers, err := keepRedacted(in.Headers, sub.Headers)
	if err != nil {
		return err
	}
	in.Name.set(&sub.Name)
	in.URL.set(&sub.URL)
	in.EventTypes.set(&sub.EventTypes)
	headers.reset(&sub.Headers)
	in.Forward.reset(&sub.ForwardHeaders)
	in.Properties.reset(&sub.Properties)
	if in.Auth.given {
		sub.Auth = authOf(in.Auth.value, sub.Auth)
	}
	if in.TLS.given {
		sub.TLS = tlsOf(in.TLS.value, sub.TLS)
	}
	in.Signature.set(&sub.Signature)
	in.Payload.set(&sub.Payload)
	in.Timeout.set((*duration)(&sub.Timeout))
	if in.RetrySchedule.given {
		sub.RetrySchedule = in.schedule()
	}
	in.Status.set(&sub.Status)
	return nil
}

// schedule is nil, the default, for null; an empty list stays one, to be refused as such.
func (in *subscriptionInput) schedule() models.Schedule {
	if in.RetrySchedule.null {
		return nil
	}
	schedule := make(models.Schedule, len(in.RetrySchedule.value))
	for i, delay := range in.RetrySchedule.value {
		schedule[i] = time.Duration(delay)
	}
	return schedule
}
