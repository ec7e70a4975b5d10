package api

import (
	"context"

	"github.com/posthaste/posthaste/models"
)

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
	for field, url := range map[string]string{"url": in.URL.value, "auth.token_url": in.Auth.value.TokenURL} {
		if url == "" {
			continue
		}
		if err := s.Destinations.Check(ctx, url); err != nil {
			return models.Invalid(field, "cannot be called: %s", err)
		}
	}
	return nil
}

// redactAuth shows how requests authenticate, without what would let anybody else do so. Nil for none.
func redactAuth(auth models.Auth) *models.Auth {
	if !auth.Enabled() {
		return nil
	}
	for _, secret := range []*string{&auth.Password, &auth.Token, &auth.ClientSecret} {
		redactText(secret)
	}
	return &auth
}

// redactTLS shows the certificates, without the key. Nil for none.
func redactTLS(tls models.TLS) *models.TLS {
	if !tls.Enabled() {
		return nil
	}
	redactText(&tls.ClientKey)
	return &tls
}

func redactText(text *string) {
	if *text != "" {
		*text = redacted
	}
}

// keepAuth replaces placeholders that the caller copied from an answer by the values in force.
func keepAuth(given optional[models.Auth], inForce models.Auth) optional[models.Auth] {
	keepText(&given.value.Password, inForce.Password)
	keepText(&given.value.Token, inForce.Token)
	keepText(&given.value.ClientSecret, inForce.ClientSecret)
	return given
}

// keepTLS does the same for the private key.
func keepTLS(given optional[models.TLS], inForce models.TLS) optional[models.TLS] {
	keepText(&given.value.ClientKey, inForce.ClientKey)
	return given
}

func keepText(given *string, inForce string) {
	if *given == redacted {
		*given = inForce
	}
}
