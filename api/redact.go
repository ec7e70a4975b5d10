package api

import (
	"net/http"
	"slices"
	"strings"
)

// redacted stands in answers for a value that is none of the reader's business.
const redacted = "[redacted]"

// secretive are the words that make a header's name look like that of a credential.
var secretive = []string{"authorization", "cookie", "token", "secret", "key", "password", "credential"}

func isCredential(header string) bool {
	header = strings.ToLower(header)
	return slices.ContainsFunc(secretive, func(word string) bool { return strings.Contains(header, word) })
}

// redactHeaders copies a subscription's own headers for an answer.
func redactHeaders(headers map[string]string) map[string]string {
	shown := make(map[string]string, len(headers))
	for name, value := range headers {
		if isCredential(name) {
			value = redacted
		}
		shown[name] = value
	}
	return shown
}

// redactHeader copies what was sent or received for an answer.
func redactHeader(header http.Header) http.Header {
	shown := make(http.Header, len(header))
	for name, values := range header {
		if isCredential(name) {
			values = []string{redacted}
		}
		shown[name] = values
	}
	return shown
}
