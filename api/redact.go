package api

import (
	"net/http"

	"github.com/posthaste/posthaste/models"
)

// redacted stands in answers for a value that is none of the reader's business.
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
