package models

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

var (
	tenantForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:@-]*$`)
	typeForm   = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

// ValidateTenant checks a tenant's name: 1 to MaxTenant letters, digits and _ . : @ -, the first a letter or digit.
func ValidateTenant(tenant string) error {
	if len(tenant) > MaxTenant {
		return Invalid("tenant", "is %d characters long; at most %d are allowed", len(tenant), MaxTenant)
	}
	if !tenantForm.MatchString(tenant) {
		return Invalid("tenant", "must start with a letter or digit and hold only letters, digits and _ . : @ -")
	}
	return nil
}

// ValidateEventType checks a dotted event type such as order.paid.
func ValidateEventType(field, eventType string) error {
	switch {
	case eventType == "":
		return Invalid(field, "is required")
	case len(eventType) > MaxEventType:
		return Invalid(field, "is %d characters long; at most %d are allowed", len(eventType), MaxEventType)
	case !typeForm.MatchString(eventType):
		return Invalid(field, "must be words of letters, digits, _ and - joined by dots, such as order.paid")
	}
	return nil
}

func validatePatterns(patterns []string) error {
	if len(patterns) == 0 {
		return Invalid("event_types", `is required; use ["*"] for all events`)
	}
	if len(patterns) > MaxEventTypes {
		return Invalid("event_types", "has %d patterns; at most %d are allowed", len(patterns), MaxEventTypes)
	}
	for i, pattern := range patterns {
		if pattern == MatchAll {
			continue
		}
		if err := ValidateEventType(index("event_types", i), strings.TrimSuffix(pattern, ".*")); err != nil {
			return err
		}
	}
	return nil
}

// reservedHeaders are set by us, belong to the connection, or frame the message (RFC 9110 §7.6.1, RFC 9112 §6).
var reservedHeaders = []string{
	"content-length", "content-type", "host", "user-agent", "accept-encoding", "expect",
	"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
	"x-hub-signature", "x-hub-signature-256", "stripe-signature", "ms-signature",
}

// ReservedHeader reports whether subscribers may not set the header.
func ReservedHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(reservedHeaders, name) ||
		strings.HasPrefix(name, "webhook-") || strings.HasPrefix(name, "x-webhook-")
}

// credential matches the names of headers that usually carry credentials.
var credential = regexp.MustCompile(`(?i)auth|cookie|token|secret|passw|credential|key`)

// CredentialHeader reports whether a header's name says that its value is a credential, to be kept out of records and
// answers.
func CredentialHeader(name string) bool { return credential.MatchString(name) }

func validateHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return Invalid("headers", "has %d entries; at most %d are allowed", len(headers), MaxHeaders)
	}
	seen := map[string]bool{}
	for name, value := range headers {
		field, canonical := "headers."+name, http.CanonicalHeaderKey(name)
		switch {
		case seen[canonical]:
			return Invalid("headers", "has %s twice: the case of letters does not tell headers apart", canonical)
		case !httpguts.ValidHeaderFieldName(name):
			return Invalid("headers", "%q is not a header name", name)
		case ReservedHeader(name):
			return Invalid(field, "is set by Posthaste and cannot be overridden")
		case len(value) > MaxHeaderValue || !httpguts.ValidHeaderFieldValue(value):
			return Invalid(field, "is not a header value of at most %d bytes", MaxHeaderValue)
		}
		seen[canonical] = true
	}
	return nil
}

func validateProperties(properties map[string]json.RawMessage) error {
	size := 2
	for name, value := range properties { // first without a copy of what may be large
		size += len(name) + len(`"":,`) + compactSize(value)
	}
	if size > MaxProperties+1 {
		return Invalid("properties", "is %d bytes of JSON; at most %d are allowed", size-1, MaxProperties)
	}
	encoded, err := json.Marshal(properties)
	if err != nil {
		return Invalid("properties", "is not a JSON object")
	}
	if len(encoded) > MaxProperties {
		return Invalid("properties", "is %d bytes of JSON; at most %d are allowed", len(encoded), MaxProperties)
	}
	return nil
}

func validateTimeout(timeout time.Duration) error {
	if timeout < MinTimeout || timeout > MaxTimeout {
		return Invalid("timeout", "%s is not between %s and %s", timeout, MinTimeout, MaxTimeout)
	}
	return nil
}

func validateData(data []byte) error {
	if len(data) == 0 {
		return Invalid("data", "is required")
	}
	if !json.Valid(data) || !utf8.Valid(data) {
		return Invalid("data", "is not JSON in UTF-8")
	}
	return nil
}

func validateMetadata(metadata map[string]string) error {
	if len(metadata) > MaxMetadata {
		return Invalid("metadata", "has %d entries; at most %d are allowed", len(metadata), MaxMetadata)
	}
	for key, value := range metadata {
		if err := firstError(validateText("metadata", key, MaxMetadataKey),
			validateText("metadata."+key, value, MaxMetadataValue)); err != nil {
			return err
		}
	}
	return nil
}

// validateText refuses texts that are too long and texts that Postgres cannot store in a text column.
func validateText(field, text string, limit int) error {
	if len(text) > limit {
		return Invalid(field, "is %d bytes long; at most %d are allowed", len(text), limit)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return Invalid(field, "holds a character that is not allowed")
	}
	return nil
}

func oneOf[T ~string](field string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return Invalid(field, "%q is not one of: %s", value, strings.Join(names, ", "))
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
