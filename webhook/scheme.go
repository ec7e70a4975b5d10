package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// sign returns the value of the signature header, one signature for each key.
func (s *scheme) sign(id, timestamp string, body []byte, keys []key) string {
	var entries []string
	if s.time != "" {
		entries = append(entries, s.time+timestamp)
	}
	head := s.head(id, timestamp)
	for _, k := range keys {
		entries = append(entries, s.label+s.encoding.encode(s.digest.sign(k(), head, body)))
	}
	return strings.Join(entries, s.between)
}

// head returns the text that the signature covers before the body.
func (s *scheme) head(id, timestamp string) string {
	return strings.NewReplacer("{id}", id, "{time}", timestamp).Replace(s.signed)
}

func (s *scheme) signsID() bool   { return strings.Contains(s.signed, "{id}") }
func (s *scheme) signsTime() bool { return strings.Contains(s.signed, "{time}") }

// encoding writes and reads the bytes of a signature as text.
type encoding struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

var (
	base64Text = encoding{base64.StdEncoding.EncodeToString, base64.StdEncoding.DecodeString}
	unpadded   = encoding{base64.RawStdEncoding.EncodeToString, base64.RawStdEncoding.DecodeString}
	lowerHex   = encoding{hex.EncodeToString, hex.DecodeString}
	upperHex   = encoding{func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }, hex.DecodeString}
)

// read decodes only the one plain spelling. Encoding the bytes again finds the
// deviations that decoders forgive: line breaks, stray bits, letters of the
// other case.
func (e encoding) read(text string) ([]byte, bool) {
	b, err := e.decode(text)
	return b, err == nil && e.encode(b) == text
}

// digest makes a signature from the key, the text before the body, and the
// body, and checks signatures. check reports whether any of the signatures is
// right, in a time that does not depend on how much of a guess is right
// (Standard Webhooks, "Verifying signatures").
type digest struct {
	sign  func(key []byte, head string, body []byte) []byte
	check func(key []byte, head string, body []byte, signatures [][]byte) bool
}

var hmacSHA256 = digest{
	sign: mac,
	check: func(key []byte, head string, body []byte, signatures [][]byte) bool {
		want := mac(key, head, body)
		return slices.ContainsFunc(signatures, func(got []byte) bool { return hmac.Equal(got, want) })
	},
}

// mac takes head and body separately, so that a large body is not copied.
func mac(key []byte, head string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(head))
	h.Write(body)
	return h.Sum(nil)
}

// ed25519Digest signs with the private key and checks with the public key.
var ed25519Digest = digest{
	sign: func(key []byte, head string, body []byte) []byte {
		return ed25519.Sign(key, slices.Concat([]byte(head), body))
	},
	check: func(key []byte, head string, body []byte, signatures [][]byte) bool {
		message := slices.Concat([]byte(head), body)
		return slices.ContainsFunc(signatures, func(got []byte) bool { return ed25519.Verify(key, message, got) })
	},
}
