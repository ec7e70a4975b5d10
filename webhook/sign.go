package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The three headers (Standard Webhooks, "Webhook headers"). net/http treats
// names without regard to case.
const (
	// HeaderID carries the message's id, the same on every attempt: the
	// receiver's key for doing things once.
	HeaderID = "webhook-id"

	// HeaderTimestamp carries when this attempt was made, in Unix seconds.
	HeaderTimestamp = "webhook-timestamp"

	// HeaderSignature carries the signatures, separated by spaces.
	HeaderSignature = "webhook-signature"
)

const (
	versionHMAC = "v1" // HMAC-SHA256, the symmetric scheme
	maxIDBytes  = 256
)

// Sign gives the value of the webhook-signature header: v1,<base64> for each
// secret in the order given, separated by spaces. The body is signed as it is,
// so the very same bytes must be sent; of the time only the whole seconds
// count. Put the same id and time into the other two headers, or let
// [SetHeaders] do it.
//
// It gives [ErrBadSecret] without a secret or with an empty one, because
// anyone could forge what an empty key signs, and [ErrBadID] for an id that is
// empty, holds a full stop or is longer than 256 bytes.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (string, error) {
	if id == "" {
		return "", fmt.Errorf("%w: it is empty", ErrBadID)
	}
	if err := checkID(id); err != nil {
		return "", err
	}
	if err := checkSecrets(secrets); err != nil {
		return "", err
	}
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signatures[i] = versionHMAC + "," + string(mac(secret, id, unixText(at), body))
	}
	return strings.Join(signatures, " "), nil
}

// SetHeaders signs like [Sign] and sets all three headers, replacing what is
// there. On an error it leaves them alone.
func SetHeaders(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) error {
	signature, err := Sign(id, at, body, secrets...)
	if err != nil {
		return err
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, unixText(at))
	h.Set(HeaderSignature, signature)
	return nil
}

// mac is the base64 text of one signature. The body goes in on its own, so
// that a large one is not copied.
func mac(secret Secret, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret.key())
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return base64.StdEncoding.AppendEncode(nil, h.Sum(nil))
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

func checkSecrets(secrets []Secret) error {
	if len(secrets) == 0 {
		return fmt.Errorf("%w: none given", ErrBadSecret)
	}
	for i, secret := range secrets {
		if secret.IsZero() {
			return fmt.Errorf("%w: number %d is empty", ErrBadSecret, i+1)
		}
	}
	return nil
}
