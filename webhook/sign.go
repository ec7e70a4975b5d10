package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of every profile, and the one that carries the signatures of
// the standard ones (Standard Webhooks, "Webhook headers"), as the
// specification writes them. net/http compares names without regard to case,
// and spells them its own way unless they are assigned to the map directly.
const (
	// HeaderID carries the message's id, the same on every attempt: the
	// receiver's key for doing things once.
	HeaderID = "webhook-id"

	// HeaderTimestamp carries when this attempt was made, in Unix seconds.
	HeaderTimestamp = "webhook-timestamp"

	// HeaderSignature carries the signatures, separated by spaces.
	HeaderSignature = "webhook-signature"
)

const maxIDBytes = 256

// Sign gives, for [Standard], the value of the webhook-signature header:
// v1,<base64> for each secret in the order given, separated by spaces. The
// body is signed as it is, so the very same bytes must be sent; of the time
// only the whole seconds count. Put the same id and time into the other two
// headers, or let [SetHeaders] do it. For other profiles, see [Profile.Sign].
//
// It gives [ErrBadSecret] without a secret or with an empty one, because
// anyone could forge what an empty key signs, and [ErrBadID] for an id that is
// empty, holds a full stop or is longer than 256 bytes.
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

// checkID keeps "id.timestamp.body" readable in one way only.
func checkID(id string) error {
	if strings.Contains(id, ".") {
		return fmt.Errorf("%w: it contains a full stop", ErrBadID)
	}
	if len(id) > maxIDBytes {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrBadID, maxIDBytes)
	}
	return nil
}
