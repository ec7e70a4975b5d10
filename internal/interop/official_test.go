package interop

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

const (
	eventID   = "evt_01jd2m7x3v9k5h8q4w6r0t1ynb"
	orderBody = `{"type":"order.paid","data":{"id":42}}`
)

func everyByte() string {
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	return all.String()
}

func officialHeaders(at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set(official.HeaderWebhookID, eventID)
	h.Set(official.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(official.HeaderWebhookSignature, signature)
	return h
}

func mustOfficial(t testing.TB, secret string) *official.Webhook {
	t.Helper()
	hook, err := official.NewWebhook(secret)
	require.NoError(t, err)
	return hook
}

// The specification's own library is the judge: what we sign it must accept,
// what it signs we must accept, with the true clock on both sides.
func TestAgreesWithTheOfficialLibrary(t *testing.T) {
	t.Parallel()

	bodies := map[string]string{
		"JSON": orderBody, "an empty body": "", "every byte value": everyByte(),
		"a body of stops": "...", "a large body": strings.Repeat("x", 1<<20),
	}
	for name, body := range bodies {
		t.Run("it accepts what we sign: "+name, func(t *testing.T) {
			t.Parallel()
			secret, h := webhook.NewSecret(), http.Header{}
			require.NoError(t, webhook.SetHeaders(h, eventID, time.Now(), []byte(body), secret))
			require.NoError(t, mustOfficial(t, secret.Reveal()).Verify([]byte(body), h))
		})

		t.Run("we accept what it signs: "+name, func(t *testing.T) {
			t.Parallel()
			secret, at := webhook.NewSecret(), time.Now()
			signature, err := mustOfficial(t, secret.Reveal()).Sign(eventID, at, []byte(body))
			require.NoError(t, err)
			verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
			require.NoError(t, err)
			_, err = verifier.Verify(officialHeaders(at, signature), []byte(body))
			require.NoError(t, err)
		})
	}

	t.Run("it accepts either secret while we rotate, and no third", func(t *testing.T) {
		t.Parallel()
		next, old, h := webhook.NewSecret(), webhook.NewSecret(), http.Header{}
		require.NoError(t, webhook.SetHeaders(h, eventID, time.Now(), []byte(orderBody), next, old))
		require.NoError(t, mustOfficial(t, next.Reveal()).Verify([]byte(orderBody), h))
		require.NoError(t, mustOfficial(t, old.Reveal()).Verify([]byte(orderBody), h))
		stranger := mustOfficial(t, webhook.NewSecret().Reveal())
		require.ErrorIs(t, stranger.Verify([]byte(orderBody), h), official.ErrNoMatchingSignature)
	})

	t.Run("the header names are the same", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, official.HeaderWebhookID, webhook.HeaderID)
		require.Equal(t, official.HeaderWebhookTimestamp, webhook.HeaderTimestamp)
		require.Equal(t, official.HeaderWebhookSignature, webhook.HeaderSignature)
	})
}

// FuzzOfficialLibrary throws anything at a verifier: the official library must
// accept whatever it accepts.
func FuzzOfficialLibrary(f *testing.F) {
	sentAt := time.Unix(1732233600, 0)
	secret, err := webhook.ParseSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(f, err)
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret}, webhook.WithClock(func() time.Time { return sentAt }))
	require.NoError(f, err)
	signed, err := webhook.Sign(eventID, sentAt, []byte(orderBody), secret)
	require.NoError(f, err)
	f.Add(eventID, "1732233600", signed, []byte(orderBody))
	f.Add(eventID, "1732233600", "v1a,x "+signed+" v1,", []byte(orderBody))
	f.Add("evt.1", "01732233600", ", ,v1", []byte{})
	f.Add("", "-1", strings.Repeat("v1,x ", 40), []byte("1732233600.5"))

	judge := mustOfficial(f, secret.Reveal())
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := http.Header{}
		h.Set(official.HeaderWebhookID, id)
		h.Set(official.HeaderWebhookTimestamp, timestamp)
		h.Set(official.HeaderWebhookSignature, signature)
		if _, err := verifier.Verify(h, body); err == nil {
			require.NoError(t, judge.VerifyIgnoringTimestamp(body, h))
		}
	})
}
