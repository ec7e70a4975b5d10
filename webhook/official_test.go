package webhook_test

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
		"JSON": orderBody, "an empty body": "", "every byte value": allBytes(),
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
			_, err = verifier.Verify(headers(eventID, strconv.FormatInt(at.Unix(), 10), signature), []byte(body))
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
