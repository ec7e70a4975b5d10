package receivers

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Trello, Twilio and others sign with it; HMAC-SHA1 is not broken, and SNS messages name their own digest
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
)

// try is one attempt to verify: a key, the signed text, and the signatures, any
// of which may fit.
type try struct {
	key        []byte
	cred       []byte // takes the place of {cred}
	signed     filled
	signatures [][]byte
}

// algorithms holds the algorithms of [Scheme.Alg]. The time they take does not
// depend on how much of a guess is right.
var algorithms = map[string]func(try) bool{
	"hmac-sha1":    func(t try) bool { return t.hmac(sha1.New) },
	"hmac-sha256":  func(t try) bool { return t.hmac(sha256.New) },
	"hmac-sha512":  func(t try) bool { return t.hmac(sha512.New) },
	"ed25519":      try.ed25519,
	"ecdsa-sha256": try.ecdsa,
	"rsa-sha1":     func(t try) bool { return t.rsa(crypto.SHA1) },
	"rsa-sha256":   func(t try) bool { return t.rsa(crypto.SHA256) },
	"equal":        try.equal,
}

// hmacs holds the algorithms of the HMACs that an answer can contain.
var hmacs = map[string]func() hash.Hash{"hmac-sha1": sha1.New, "hmac-sha256": sha256.New, "hmac-sha512": sha512.New}

// goesWith reports whether a kind of key is for an algorithm.
func goesWith(key, alg string) bool {
	switch key {
	case "cert":
		return alg == "rsa-sha256" || alg == "rsa-sha1"
	case "public":
		return alg == "rsa-sha256" || alg == "ecdsa-sha256" || alg == "ed25519"
	case "whpk":
		return alg == "ed25519"
	}
	return alg == "equal" || hmacs[alg] != nil
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

func (t try) ecdsa() bool {
	parsed, _ := x509.ParsePKIXPublicKey(t.key)
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return false
	}
	sum := t.digest(crypto.SHA256)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool { return ecdsa.VerifyASN1(public, sum, got) })
}

func (t try) rsa(digest crypto.Hash) bool {
	parsed, _ := x509.ParsePKIXPublicKey(t.key)
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return false
	}
	sum := t.digest(digest)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool {
		return rsa.VerifyPKCS1v15(public, digest, sum, got) == nil
	})
}

func (t try) digest(of crypto.Hash) []byte {
	digest := of.New()
	t.signed.write(digest, t.cred)
	return digest.Sum(nil)
}

// equal compares digests, so that not even the length shows in the time.
func (t try) equal() bool {
	want := sha256.Sum256(t.key)
	return slices.ContainsFunc(t.signatures, func(got []byte) bool {
		sum := sha256.Sum256(got)
		return subtle.ConstantTimeCompare(sum[:], want[:]) == 1
	})
}

// encodings holds the decoders of [Scheme.Enc].
var encodings = map[string]func(string) ([]byte, error){
	"":       func(text string) ([]byte, error) { return []byte(text), nil },
	"hex":    hex.DecodeString,
	"base64": base64.StdEncoding.Strict().DecodeString,
}

// encoders write the HMACs in an answer.
var encoders = map[string]func([]byte) string{"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString}
