package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

// FuzzVerify throws anything at a verifier. It must not panic; what it accepts
// the official library must accept as well; and what Sign makes of the same
// id and body it must accept itself.
func FuzzVerify(f *testing.F) {
	f.Add(eventID, "1732233600", orderSign, []byte(orderBody))
	f.Add(eventID, "1732233600", "v1a,x "+orderSign+" v1,", []byte(orderBody))
	f.Add("evt.1", "01732233600", ", ,v1", []byte{})
	f.Add("", "-1", strings.Repeat("v1,x ", 40), []byte("1732233600.5"))

	secret := mustSecret(f, secret32)
	verifier := mustVerifier(f, []string{secret64, secret32})
	judge32, judge64 := mustOfficial(f, secret32), mustOfficial(f, secret64)

	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := headers(id, timestamp, signature)
		msg, err := verifier.Verify(h, body)
		if err == nil {
			require.Equal(t, id, msg.ID)
			require.True(t, judge32.VerifyIgnoringTimestamp(body, h) == nil || judge64.VerifyIgnoringTimestamp(body, h) == nil)
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
