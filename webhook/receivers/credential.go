package receivers

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Credential is what the provider and you both know: usually the secret that
// it signs with. Make one with [Secrets] or [Keyed]. It prints as [redacted]
// everywhere and cannot be read back.
//
// The zero value is none; [New] refuses it. A Credential never changes.
type Credential struct {
	id   string
	text func() string // a function, because fmt reaches unexported fields
}

// Secrets makes a credential of each text. While a secret is being replaced,
// give the new one and the old one.
func Secrets(texts ...string) []Credential {
	credentials := make([]Credential, len(texts))
	for i, text := range texts {
		credentials[i] = Keyed("", text)
	}
	return credentials
}

// Keyed makes a credential that holds for the requests that name it by id, as
// Pusher's do; see [Scheme.KeyID]. Elsewhere the id means nothing.
func Keyed(id, text string) Credential {
	return Credential{id: id, text: func() string { return text }}
}

// Format prints [redacted] for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue gives [redacted], for log/slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(redacted) }

// key is a credential that a scheme can use. Its bytes are behind a function
// for the same reason.
type key struct {
	id   string
	bits func() []byte
}

// keysOf gives those of the credentials that are of the kind.
func keysOf(kind string, credentials []Credential) []key {
	var keys []key
	for _, c := range credentials {
		if c.text == nil {
			continue
		}
		if bits := keyKinds[kind](c.text()); len(bits) > 0 {
			keys = append(keys, key{id: c.id, bits: func() []byte { return bits }})
		}
	}
	return keys
}

// keyKinds are the kinds of [Scheme.Key]. They give nothing for a text that is
// none of the kind; an empty one never is.
var keyKinds = map[string]func(text string) []byte{
	"":      verbatim,
	"cert":  verbatim,
	"plain": plainKey,
	"whsec": func(text string) []byte { return behind("whsec_", text) },
	"whpk":  publicKey,
	"org":   organization,
}

// verbatim takes no key of the Ed25519 scheme: it must never serve as a shared
// secret, least of all the public one.
func verbatim(text string) []byte {
	if strings.HasPrefix(text, "whsk_") || strings.HasPrefix(text, "whpk_") {
		return nil
	}
	return []byte(text)
}

// plainKey takes no signing secret either, which must never be sent as it is.
func plainKey(text string) []byte {
	if strings.HasPrefix(text, "whsec_") {
		return nil
	}
	return verbatim(text)
}

func publicKey(text string) []byte {
	bits := behind("whpk_", text)
	if len(bits) != ed25519.PublicKeySize {
		return nil
	}
	return bits
}

func behind(prefix, text string) []byte {
	encoded, ok := strings.CutPrefix(text, prefix)
	bits, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil {
		return nil
	}
	return bits
}

// organization gives what the two forms of a Salesforce id have in common: the
// longer one ends in a checksum of three characters.
func organization(text string) []byte {
	const short, long = 15, 18
	if len(text) != short && len(text) != long {
		return nil
	}
	return []byte(text[:short])
}
