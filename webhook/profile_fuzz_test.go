package webhook_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// FuzzVerifyProfiles throws anything at a verifier of each profile. It must
// not panic; what it accepts must hold a signature computed here, by the
// profile's rule; and what Sign makes of the same body it must accept.
func FuzzVerifyProfiles(f *testing.F) {
	for i, p := range webhook.Profiles() {
		f.Add(uint8(i), eventID, "1732233600", knownAnswers[string(p)].want, "", []byte(orderBody))
		f.Add(uint8(i), "", "1", "", "t=1,t=1,v1=,sha256=", []byte{})
	}
	verifiers := map[webhook.Profile]*webhook.Verifier{}
	for _, p := range webhook.Profiles() {
		verifiers[p] = verifierFor(f, p, []string{knownAnswers[string(p)].secret})
	}

	f.Fuzz(func(t *testing.T, which uint8, id, timestamp, first, second string, body []byte) {
		p := webhook.Profiles()[int(which)%len(webhook.Profiles())]
		h := headers(id, timestamp, "")
		h.Del(p.Header())
		h.Add(p.Header(), first)
		h.Add(p.Header(), second)
		msg, err := verifiers[p].Verify(h, body)
		if err == nil {
			require.Equal(t, id, msg.ID)
			require.Contains(t, first+"\n"+second, rightSignature(p, msg))
		} else {
			require.Zero(t, msg)
		}

		h.Del(p.Header())
		if p.SetHeaders(h, id, sentAt, body, mustSecretFor(t, p, knownAnswers[string(p)].secret)) == nil {
			_, err = verifiers[p].Verify(h, body)
			require.NoError(t, err)
			_, err = verifiers[p].Verify(h, append(body, '!'))
			require.ErrorIs(t, err, webhook.ErrNoMatch)
		}
	})
}

// rightSignature is written from the rules of docs/wire-format.md alone.
func rightSignature(p webhook.Profile, msg webhook.Message) string {
	body, at := string(msg.Body), strconv.FormatInt(msg.Timestamp.Unix(), 10)
	sum := func(key, text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	switch p {
	case webhook.Standard:
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret32, "whsec_"))
		return "v1," + base64.StdEncoding.EncodeToString(sum(string(key), msg.ID+"."+at+"."+body))
	case webhook.StandardEd25519:
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(pairText, "whsk_"))
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(msg.ID+"."+at+"."+body)))
	case webhook.Stripe:
		return "v1=" + hex.EncodeToString(sum(secret32, at+"."+body))
	case webhook.ASPNet:
		return "sha256=" + strings.ToUpper(hex.EncodeToString(sum(secret32, body)))
	case webhook.ServiceStack:
		return "sha1=" + hex.EncodeToString(sum(secret32, body))
	default:
		return "sha256=" + hex.EncodeToString(sum(secret32, body))
	}
}
