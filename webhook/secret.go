package webhook

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/posthaste/posthaste/webhook/internal/paste"
)

// These constants are the lengths of a shared secret, in bytes before base64
// (Standard Webhooks, "Signature scheme": at least 24, at most 64).
const (
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// These prefixes begin the text forms (Standard Webhooks, "Signature scheme").
const (
	secretPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
	versionLabel  = "v1," // of a signature; some consoles show secrets with it
)

const (
	redacted = "[redacted]"
	unset    = secretPrefix + "[unset]"
)

// Secret is a key that a sender signs with: shared by sender and receiver or,
// for [StandardEd25519], the sender's private key. Make one with [NewSecret]
// or [ParseSecret], for other profiles than [Standard] with
// [Profile.NewSecret] or [Profile.ParseSecret]. It prints as whsec_[redacted],
// whsk_[redacted] or [redacted] everywhere; only [Secret.Reveal] reveals it.
//
// The zero value is no secret: it prints as whsec_[unset], and signing or
// verifying with it is an error. A Secret never changes, so any number of
// goroutines may share it. Secrets cannot be compared with ==.
type Secret struct {
	// text is a function, because fmt reaches the unexported fields of an
	// enclosing struct without calling our methods, and with %s even follows a
	// pointer. It can print nothing but the address of a function.
	text func() string
}

func secretOf(text string) Secret { return Secret{text: func() string { return text }} }

// NewSecret makes a secret of 32 random bytes for [Standard], which also fits
// the profiles that use the text verbatim. It never fails: the operating
// system's generator does not (crypto/rand).
func NewSecret() Secret { return Standard.NewSecret() }

// ParseSecret reads the text form for [Standard]: whsec_ and then 24 to 64
// bytes in standard base64, nothing around it. As in the official libraries,
// the prefix and the padding may be missing. Anything else is [ErrBadSecret],
// with the reason: base64 for URLs, v1, before the prefix, and a public or
// private key of the ed25519 scheme (whpk_, whsk_), which must never serve as
// a shared secret.
func ParseSecret(text string) (Secret, error) { return Standard.ParseSecret(text) }

// TrimSecret removes invisible characters that were pasted along with a
// secret: blanks, line breaks and characters of no width at either end. No
// provider makes a secret with any of them there; a console or an editor often
// adds them.
func TrimSecret(text string) string { return paste.Trim(text) }

// Reveal returns the text form, as it was parsed, to store it sealed or to
// show it to its owner; "" for the zero value. It is the only access to the
// text: search for calls of Reveal to find every place that could leak a
// secret.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text()
}

// PublicKey returns the public key that verifies the signatures of s, a
// private key of [StandardEd25519]. It returns [ErrBadSecret] when s is no
// private key.
func (s Secret) PublicKey() (PublicKey, error) {
	bits, err := privateKeyOf(s.Reveal())
	if err != nil {
		return PublicKey{}, err
	}
	return PublicKey{text: publicPrefix + base64Text.encode(bits[ed25519.SeedSize:])}, nil
}

// IsZero reports whether this is the zero value, which cannot sign or verify.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns whsec_[redacted] or whsk_[redacted] for a secret with that
// prefix, [redacted] for any other, and whsec_[unset] for the zero value.
func (s Secret) String() string {
	if s.IsZero() {
		return unset
	}
	for _, prefix := range []string{secretPrefix, privatePrefix} {
		if strings.HasPrefix(s.text(), prefix) {
			return prefix + redacted
		}
	}
	return redacted
}

// GoString returns the same as [Secret.String], for %#v.
func (s Secret) GoString() string { return s.String() }

// Format prints the same as [Secret.String] for every verb, so that %x and %d
// are as safe as %v.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns the same as [Secret.String], for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
