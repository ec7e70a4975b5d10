package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/posthaste/posthaste/webhook/internal/paste"
)

// These constants bound the length of a secret that is used verbatim, in
// characters.
const (
	minVerbatim = 16
	maxVerbatim = 256
)

// key returns the bytes of a key. It is a function for the same reason as the
// field of [Secret].
type key func() []byte

// secretKind says how a profile turns the text of a secret into its key.
type secretKind struct {
	fresh func() string                     // a new text
	key   func(text string) ([]byte, error) // ErrBadSecret for a text that is no secret of this kind
}

var (
	sharedSecret   = secretKind{fresh: freshShared, key: sharedKey}
	verbatimSecret = secretKind{fresh: freshShared, key: verbatimKey}
	privateKey     = secretKind{fresh: freshPrivate, key: privateKeyOf}
)

// keys makes the keys of all secrets, or fails if one of them does not fit.
func (k secretKind) keys(secrets []Secret) ([]key, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrBadSecret)
	}
	keys := make([]key, len(secrets))
	for i, secret := range secrets {
		if secret.IsZero() {
			return nil, fmt.Errorf("%w: number %d is empty", ErrBadSecret, i+1)
		}
		bits, err := k.key(secret.text())
		if err != nil {
			return nil, fmt.Errorf("secret number %d: %w", i+1, err)
		}
		keys[i] = func() []byte { return bits }
	}
	return keys, nil
}

func freshShared() string {
	bits := make([]byte, newSecretBytes)
	_, _ = rand.Read(bits) // documented never to fail
	return secretPrefix + base64Text.encode(bits)
}

func freshPrivate() string {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // documented never to fail
	return privatePrefix + base64Text.encode(ed25519.NewKeyFromSeed(seed))
}

func sharedKey(text string) ([]byte, error) {
	bits, err := sharedBits(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSecret, err)
	}
	if len(bits) < minSecretBytes || len(bits) > maxSecretBytes {
		return nil, fmt.Errorf("%w: it holds %d bytes, not %d to %d",
			ErrBadSecret, len(bits), minSecretBytes, maxSecretBytes)
	}
	return bits, nil
}

func verbatimKey(text string) ([]byte, error) {
	switch flaw := paste.Flaw(text); {
	case flaw != "":
		return nil, fmt.Errorf("%w: it %s", ErrBadSecret, flaw)
	case len(text) < minVerbatim || len(text) > maxVerbatim:
		return nil, fmt.Errorf("%w: it has %d bytes, not %d to %d", ErrBadSecret, len(text), minVerbatim, maxVerbatim)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return nil, fmt.Errorf("%w: it has a character that is not printable ASCII", ErrBadSecret)
	case strings.HasPrefix(text, privatePrefix) || strings.HasPrefix(text, publicPrefix):
		return nil, fmt.Errorf("%w: a key with %s or %s is for %s only", ErrBadSecret, privatePrefix, publicPrefix, StandardEd25519)
	}
	return []byte(text), nil
}

// privateKeyOf reads a seed, or a seed followed by its public key. The public
// key must belong to the seed: signing with another one would reveal the
// private key.
func privateKeyOf(text string) ([]byte, error) {
	bits, err := cutBase64(text, privatePrefix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSecret, err)
	}
	if len(bits) != ed25519.SeedSize && len(bits) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: it holds %d bytes, not %d or %d",
			ErrBadSecret, len(bits), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	whole := ed25519.NewKeyFromSeed(bits[:ed25519.SeedSize])
	if !bytes.HasPrefix(whole, bits) {
		return nil, fmt.Errorf("%w: its second half is not the public key of its first", ErrBadSecret)
	}
	return whole, nil
}

// sharedBits accepts the same spellings as the official libraries of Standard
// Webhooks: the prefix may be missing (in all of them), and the padding too
// (in the libraries for JavaScript, Java, PHP and Ruby).
func sharedBits(text string) ([]byte, error) {
	encoded := strings.TrimPrefix(text, secretPrefix)
	if bits, ok := base64Text.read(encoded); ok {
		return bits, nil
	}
	if bits, ok := unpadded.read(encoded); ok {
		return bits, nil
	}
	switch flaw := paste.Flaw(text); {
	case flaw != "":
		return nil, fmt.Errorf("it %s", flaw)
	case strings.HasPrefix(text, versionLabel+secretPrefix):
		return nil, fmt.Errorf("it begins with %s, which is not part of the secret", versionLabel)
	case strings.HasPrefix(text, privatePrefix), strings.HasPrefix(text, publicPrefix):
		return nil, fmt.Errorf("a key with %s or %s is for %s only", privatePrefix, publicPrefix, StandardEd25519)
	case isURLSafe(encoded):
		return nil, errors.New("it is base64 for URLs, with - and _; it must be standard base64, with + and /")
	}
	return nil, fmt.Errorf("it must be standard base64, with or without %s before it", secretPrefix)
}

func isURLSafe(text string) bool {
	_, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	return err == nil
}

// cutBase64 decodes the text after the prefix. Its errors do not repeat text.
func cutBase64(text, prefix string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, fmt.Errorf("it must begin with %s", prefix)
	}
	bits, ok := base64Text.read(encoded)
	if !ok {
		return nil, fmt.Errorf("after %s it must be standard base64 with padding and no spaces or line breaks", prefix)
	}
	return bits, nil
}

// PublicKey verifies the signatures of a private key of [StandardEd25519]. It
// is not secret and prints as whpk_…. Get one from [ParsePublicKey] or
// [Secret.PublicKey].
//
// The zero value is no key: it prints as "", and a verifier refuses it. A
// PublicKey never changes; two PublicKeys are the same key if they are ==.
type PublicKey struct {
	text string
}

// ParsePublicKey reads the text form: whpk_ and then the 32 bytes of an
// Ed25519 public key in standard padded base64 (Standard Webhooks, "Signature
// scheme"). Anything else is [ErrBadSecret].
func ParsePublicKey(text string) (PublicKey, error) {
	bits, err := cutBase64(text, publicPrefix)
	if err == nil && len(bits) != ed25519.PublicKeySize {
		err = fmt.Errorf("it holds %d bytes, not %d", len(bits), ed25519.PublicKeySize)
	}
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrBadSecret, err)
	}
	return PublicKey{text: text}, nil
}

// String returns the text form, whpk_…; "" for the zero value.
func (k PublicKey) String() string { return k.text }

// IsZero reports whether this is the zero value, which cannot verify.
func (k PublicKey) IsZero() bool { return k.text == "" }

// bits returns the bytes of the key. It must not be called on the zero value.
func (k PublicKey) bits() []byte {
	bits, _ := base64.StdEncoding.DecodeString(k.text[len(publicPrefix):])
	return bits
}
