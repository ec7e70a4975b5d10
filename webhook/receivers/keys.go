package receivers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
)

// keyKind is a kind of key: the words for a credential of the kind, and the
// function that makes the key. The function returns an error, as a predicate,
// for a text that is not of the kind. The text is never empty.
type keyKind struct {
	words string
	make  func(alg, text string) ([]byte, error)
}

// keyKinds holds the kinds by [Scheme.Key].
var keyKinds = map[string]keyKind{
	"":       {"the secret's text", func(_, text string) ([]byte, error) { return verbatim(text) }},
	"plain":  {"the token's text", func(_, text string) ([]byte, error) { return plainKey(text) }},
	"basic":  {"user:password", func(_, text string) ([]byte, error) { return userAndPassword(text) }},
	"oauth1": {"the client secret's text", func(_, text string) ([]byte, error) { return oauthKey(text) }},
	"hex":    {"the key, in hexadecimal", func(_, text string) ([]byte, error) { return hexKey(text) }},
	"base64": {"the key, in base64", func(_, text string) ([]byte, error) { return base64Key(text) }},
	"whsec":  {"the secret, in base64 with or without whsec_", func(_, text string) ([]byte, error) { return sharedKey(text) }},
	"whpk":   {"the public key, whpk_…", func(_, text string) ([]byte, error) { return ed25519Key(text) }},
	"public": {"the public key, in PEM, base64 or hexadecimal", publicKey},
	"org":    {"the organization's id", func(_, text string) ([]byte, error) { return organizationKey(text) }},
	"cert": {
		"what ties the signature to you: the id of the webhook, or the ARN of the topic",
		func(_, text string) ([]byte, error) { return verbatim(text) },
	},
}

// CredentialWords describes in a few words the text of a credential for the
// scheme, such as "the key, in hexadecimal". It is "" if the Key is unknown.
func (s Scheme) CredentialWords() string { return keyKinds[s.Key].words }

// verbatim uses the text as the key. It refuses keys of the Ed25519 scheme:
// they must never serve as a shared secret, least of all the public key.
func verbatim(text string) ([]byte, error) {
	for _, prefix := range []string{"whsk_", "whpk_"} {
		if strings.HasPrefix(text, prefix) {
			return nil, errors.New("begins with " + prefix + ", which is a key of Standard Webhooks with Ed25519 and no secret")
		}
	}
	return []byte(text), nil
}

// plainKey uses the text as the key. It also refuses a signing secret, which
// must never be sent as it is.
func plainKey(text string) ([]byte, error) {
	if strings.HasPrefix(text, "whsec_") {
		return nil, errors.New("begins with whsec_, which is a secret that signs and is never sent")
	}
	return verbatim(text)
}

// userAndPassword takes user:password, the text that RFC 7617 section 2 encodes
// in base64.
func userAndPassword(text string) ([]byte, error) {
	if !strings.Contains(text, ":") {
		return nil, errors.New("is not user:password, in plain text")
	}
	return verbatim(text)
}

// oauthKey makes the key of a signature without a token (RFC 5849 section
// 3.4.2).
func oauthKey(text string) ([]byte, error) {
	bits, err := verbatim(text)
	return append(bits, '&'), err
}

func hexKey(text string) ([]byte, error) {
	bits, err := hex.DecodeString(text)
	if err != nil || len(bits) == 0 {
		return nil, errors.New("is not hexadecimal")
	}
	return bits, nil
}

func base64Key(text string) ([]byte, error) {
	bits := anyPadding(text)
	if len(bits) == 0 {
		return nil, errors.New("is not standard base64")
	}
	return bits, nil
}

// anyPadding decodes base64 with or without padding; nil for any other text.
func anyPadding(text string) []byte {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		bits, err := encoding.Strict().DecodeString(text)
		if err == nil && !strings.ContainsAny(text, "\r\n") {
			return bits
		}
	}
	return nil
}

// sharedKey accepts the same spellings as the official libraries of Standard
// Webhooks: the prefix and the padding may be missing.
func sharedKey(text string) ([]byte, error) {
	const prefix = "whsec_"
	encoded := strings.TrimPrefix(text, prefix)
	if bits := anyPadding(encoded); len(bits) > 0 {
		return bits, nil
	}
	_, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
	switch {
	case strings.HasPrefix(text, "v1,"):
		return nil, errors.New("begins with v1, which is not part of the secret")
	case encoded != "" && err == nil && !strings.HasPrefix(text, "whsk_") && !strings.HasPrefix(text, "whpk_"):
		return nil, errors.New("is base64 for URLs, with - and _, where Standard Webhooks has + and /")
	}
	return nil, errors.New("is not the base64 of a secret, with or without whsec_ before it")
}

// ed25519Key takes whpk_ and base64, or hexadecimal, as Discord shows it.
func ed25519Key(text string) ([]byte, error) {
	if isHexKey(text) {
		return hexKey(text)
	}
	encoded, ok := strings.CutPrefix(text, "whpk_")
	if bits := anyPadding(encoded); ok && len(bits) == ed25519.PublicKeySize {
		return bits, nil
	}
	return nil, errors.New("is not an Ed25519 public key: whpk_ and base64, or 64 hexadecimal digits")
}

func isHexKey(text string) bool {
	bits, err := hex.DecodeString(text)
	return err == nil && len(bits) == ed25519.PublicKeySize
}

// publicKey reads a public key of the algorithm: PEM, or the base64 of its DER
// (RFC 5280, SubjectPublicKeyInfo); for Ed25519 also the 32 bytes, in base64 or
// hexadecimal. It returns the DER, or those 32 bytes.
func publicKey(alg, text string) ([]byte, error) {
	der := anyPadding(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	}
	switch {
	case alg == "ed25519" && isHexKey(text):
		return hexKey(text)
	case alg == "ed25519" && len(der) == ed25519.PublicKeySize:
		return der, nil
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is not a public key, in PEM or as the base64 that is in it")
	}
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		if alg == "ecdsa-sha256" {
			return der, nil
		}
	case *rsa.PublicKey:
		if strings.HasPrefix(alg, "rsa-") {
			return der, nil
		}
	case ed25519.PublicKey:
		if alg == "ed25519" {
			return public, nil
		}
	}
	return nil, errors.New("is a public key, but not one for " + alg)
}

// organizationKey returns the part that the two forms of a Salesforce id have
// in common: the longer form ends in a checksum of three characters.
func organizationKey(text string) ([]byte, error) {
	if bits := organization(text); bits != nil {
		return bits, nil
	}
	return nil, errors.New("is not an organization's id, which has 15 or 18 characters")
}

func organization(text string) []byte {
	const short, long = 15, 18
	if len(text) != short && len(text) != long {
		return nil
	}
	return []byte(text[:short])
}
