package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// How long a secret is, in bytes before base64 (Standard Webhooks, "Signature
// scheme": at least 24, at most 64).
const (
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

const (
	secretPrefix = "whsec_"
	redacted     = secretPrefix + "[redacted]"
	unset        = secretPrefix + "[unset]"
)

// Secret is the key a sender and a receiver share. Make one with [NewSecret]
// or [ParseSecret]. It prints as whsec_[redacted] everywhere; only
// [Secret.Reveal] gives it away.
//
// The zero value is no secret: it prints as whsec_[unset], and signing or
// verifying with it is an error. A Secret never changes, so any number of
// goroutines may share it. Secrets cannot be compared with ==.
type Secret struct {
	// A function, because fmt reaches the unexported fields of an enclosing
	// struct without asking our methods, and with %s even looks behind a
	// pointer. Of a function it can print the address only.
	key func() []byte
}

func secretOf(key []byte) Secret { return Secret{key: func() []byte { return key }} }

// NewSecret makes a secret of 32 random bytes. It never fails: the operating
// system's generator does not (crypto/rand).
func NewSecret() Secret {
	key := make([]byte, newSecretBytes)
	_, _ = rand.Read(key) // documented never to fail
	return secretOf(key)
}

// ParseSecret reads the text form: whsec_ and then 24 to 64 bytes in standard
// padded base64, nothing around it. Anything else is [ErrBadSecret]; also a
// value without the prefix, which could be base64 or a plain password, and a
// public or private key of the ed25519 scheme (whpk_, whsk_), which must
// never serve as a shared secret.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, fmt.Errorf("%w: it must begin with %s", ErrBadSecret, secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	// Encoding again finds what the decoder forgives: line breaks, stray bits.
	if err != nil || base64.StdEncoding.EncodeToString(key) != encoded {
		return Secret{}, fmt.Errorf("%w: after %s it must be standard base64 with padding and no spaces or line breaks",
			ErrBadSecret, secretPrefix)
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, fmt.Errorf("%w: it holds %d bytes, not %d to %d",
			ErrBadSecret, len(key), minSecretBytes, maxSecretBytes)
	}
	return secretOf(key), nil
}

// Reveal gives the text form, whsec_…, to store it sealed or to show it to its
// owner; "" for the zero value. It is the only way to get at it: search for
// calls of Reveal to find every place that could leak a secret.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key())
}

// IsZero reports whether this is the zero value, which cannot sign or verify.
func (s Secret) IsZero() bool { return s.key == nil }

// String gives whsec_[redacted], or whsec_[unset] for the zero value.
func (s Secret) String() string {
	if s.IsZero() {
		return unset
	}
	return redacted
}

// GoString gives the same as [Secret.String], for %#v.
func (s Secret) GoString() string { return s.String() }

// Format gives the same as [Secret.String] for every verb, so that %x and %d
// are as safe as %v.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue gives the same as [Secret.String], for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
