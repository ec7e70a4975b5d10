package api

import (
	"maps"
	"net/http"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// redacted stands in answers for a secret value.
const redacted = "[redacted]"

// redactHeaders copies a subscription's own headers for an answer.
func redactHeaders(headers map[string]string) map[string]string {
	shown := make(map[string]string, len(headers))
	for name, value := range headers {
		if models.CredentialHeader(name) {
			value = redacted
		}
		shown[name] = value
	}
	return shown
}

// redactHeader copies the headers of a request or an answer, with credentials replaced, so that they can be shown.
func redactHeader(header http.Header) http.Header {
	shown := make(http.Header, len(header))
	for name, values := range header {
		if models.CredentialHeader(name) {
			values = []string{redacted}
		}
		shown[name] = values
	}
	return shown
}

// redactAuth shows how requests authenticate, without the secrets. Nil for none.
func redactAuth(auth models.Auth) *client.Auth {
	if !auth.Enabled() {
		return nil
	}
	return &client.Auth{
		Type: client.AuthType(auth.Type), Username: auth.Username, Password: redactText(auth.Password),
		Token: redactText(auth.Token), TokenURL: auth.TokenURL, ClientID: auth.ClientID,
		ClientSecret: redactText(auth.ClientSecret), Scopes: auth.Scopes,
	}
}

// redactTLS shows the certificates, without the key. Nil for none.
func redactTLS(tls models.TLS) *client.TLS {
	if !tls.Enabled() {
		return nil
	}
	shown := client.TLS(tls)
	shown.ClientKey = redactText(tls.ClientKey)
	return &shown
}

func redactText(text string) string {
	if text == "" {
		return ""
	}
	return redacted
}

// keepRedacted replaces placeholders that the caller copied from an answer by the values in force. Without it,
// reading a subscription, editing one header and writing it back would overwrite credentials with "[redacted]".
func keepRedacted(given optional[map[string]string], inForce map[string]string) (optional[map[string]string], error) {
	kept := given
	kept.value = maps.Clone(given.value)
	for name, value := range given.value {
		if value != redacted || !models.CredentialHeader(name) {
			continue
		}
		current, ok := inForce[name]
		if !ok {
			return kept, models.Invalid("headers."+clip(name), "is %s, which stands for a value that is not there", redacted)
		}
		kept.value[name] = current
	}
	return kept, nil
}

// authOf returns the given settings, with the secrets in force where the caller copied placeholders from an answer.
func authOf(given client.Auth, inForce models.Auth) models.Auth {
	return models.Auth{
		Type: models.AuthType(given.Type), Username: given.Username, Password: keepText(given.Password, inForce.Password),
		Token: keepText(given.Token, inForce.Token), TokenURL: given.TokenURL, ClientID: given.ClientID,
		ClientSecret: keepText(given.ClientSecret, inForce.ClientSecret), Scopes: given.Scopes,
	}
}

// tlsOf does the same for the private key.
func tlsOf(given client.TLS, inForce models.TLS) models.TLS {
	kept := models.TLS(given)
	kept.ClientKey = keepText(given.ClientKey, inForce.ClientKey)
	return kept
}

func keepText(given, inForce string) string {
	if given == redacted {
		return inForce
	}
	return given
}
