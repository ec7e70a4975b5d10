package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// FuzzVerify throws anything at a verifier. It must not panic; what it accepts
// must hold a signature that the specification's formula gives; and what Sign
// makes of the same id and body it must accept itself.
func FuzzVerify(f *testing.F) {
	f.Add(eventID, "1732233600", orderSign, []byte(orderBody))
	f.Add(eventID, "1732233600", "v1a,x "+orderSign+" v1,", []byte(orderBody))
	f.Add("evt.1", "01732233600", ", ,v1", []byte{})
	f.Add("", "-1", strings.Repeat("v1,x ", 40), []byte("1732233600.5"))

	secret := mustSecret(f, secret32)
	verifier := mustVerifier(f, []string{secret64, secret32})

	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := headers(id, timestamp, signature)
		msg, err := verifier.Verify(h, body)
		if err == nil {
			require.Equal(t, id, msg.ID)
			by32, by64 := byFormula(t, secret32, id, timestamp, body), byFormula(t, secret64, id, timestamp, body)
			require.True(t, strings.Contains(signature, by32) || strings.Contains(signature, by64))
		} else {
			require.Zero(t, msg)
		}

		signed, err := webhook.Sign(id, sentAt, body, secret)
		if err != nil {
			require.ErrorIs(t, err, webhook.ErrBadID)
			return
		}
		_, err = verifier.Verify(headers(id, "1732233600", signature+" "+signed), body)
		if strings.Count(signature, " ") < 31 {
			require.NoError(t, err)
		}
	})
}

// byFormula is HMAC-SHA256 of id.timestamp.body under the decoded secret.
func byFormula(t *testing.T, secret, id, timestamp string, body []byte) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
