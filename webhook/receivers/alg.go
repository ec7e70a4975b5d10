package receivers

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what Trello, Twilio and Mandrill sign with, and is not broken
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
)

// try is one attempt to verify: a key, what is signed, and the signatures of
// which any may fit.
type try struct {
	key        []byte
	cred       []byte // what stands for {cred}
	signed     filled
	signatures [][]byte
}

// algorithms are those of [Scheme.Alg]. The time they take tells nothing of
// how much of a guess is right.
var algorithms = map[string]func(try) bool{
	"hmac-sha1":   func(t try) bool { return t.hmac(sha1.New) },
	"hmac-sha256": func(t try) bool { return t.hmac(sha256.New) },
	"hmac-sha512": func(t try) bool { return t.hmac(sha512.New) },
	"ed25519":     try.ed25519,
	"rsa-sha256":  try.rsa,
	"equal":       try.equal,
}

func (t try) hmac(digest func() hash.Hash) bool {
	mac := hmac.New(digest, t.key)
	t.signed.write(mac, t.cred)
	want := mac.Sum(nil)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool { return hmac.Equal(got, want) })
}

func (t try) ed25519() bool {
	var message bytes.Buffer
	t.signed.write(&message, t.cred)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool { return ed25519.Verify(t.key, message.Bytes(), got) })
}

func (t try) rsa() bool {
	public, err := x509.ParsePKCS1PublicKey(t.key)
	if err != nil {
		return false
	}
	digest := sha256.New()
	t.signed.write(digest, t.cred)
	sum := digest.Sum(nil)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool {
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum, got) == nil
	})
}

// equal compares digests, so that not even the length shows in the time.
func (t try) equal() bool {
	want := sha256.Sum256(t.key)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool {
		sum := sha256.Sum256(got)
		return subtle.ConstantTimeCompare(sum[:], want[:]) == 1
	})
}

// encodings are those of [Scheme.Enc].
var encodings = map[string]func(string) ([]byte, error){
	"":       func(text string) ([]byte, error) { return []byte(text), nil },
	"hex":    hex.DecodeString,
	"base64": base64.StdEncoding.Strict().DecodeString,
}
