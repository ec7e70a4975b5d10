package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// These headers are the two that every profile sends, and the header that
// carries the signatures of the standard profiles (Standard Webhooks, "Webhook
// headers"), as the specification writes them. net/http compares names without
// regard to case, and spells them its own way unless they are assigned to the
// map directly.
const (
	// HeaderID carries the message's id, the same on every attempt: by it the
	// receiver recognises a repetition and handles the message once.
	HeaderID = "webhook-id"

	// HeaderTimestamp carries the time of this attempt, in Unix seconds.
	HeaderTimestamp = "webhook-timestamp"

	// HeaderSignature carries the signatures, separated by spaces.
	HeaderSignature = "webhook-signature"
)

const maxIDBytes = 256

// Sign returns, for [Standard], the value of the webhook-signature header:
// v1,<base64> for each secret in the order given, separated by spaces. The
// body is signed as it is, so the very same bytes must be sent; the time
// counts in whole seconds. Put the same id and time into the other two
// headers, or let [SetHeaders] do it. For other profiles, see [Profile.Sign].
//
// It returns [ErrBadSecret] without a secret or with an empty one, because
// anyone could forge the signature of an empty key, and [ErrBadID] for an id
// that is empty, holds a full stop or is longer than 256 bytes.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (string, error) {
	return Standard.Sign(id, at, body, secrets...)
}

// SetHeaders is [Profile.SetHeaders] of [Standard]: it signs like [Sign] and
// sets all three headers, replacing what is there, in the spelling of net/http.
// On an error it leaves them alone.
func SetHeaders(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) error {
	return Standard.SetHeaders(h, id, at, body, secrets...)
}

func unixText(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// checkID refuses an id that would make "id.timestamp.body" ambiguous, or that
// is too long.
func checkID(id string) error {
	if strings.Contains(id, ".") {
		return fmt.Errorf("%w: it contains a full stop", ErrBadID)
	}
	if len(id) > maxIDBytes {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrBadID, maxIDBytes)
	}
	return nil
}
