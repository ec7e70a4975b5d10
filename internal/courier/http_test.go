package courier

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

var sentAt = time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)

// headerOf builds the headers of a first attempt at a subscription.
func headerOf(t *testing.T, sub models.Subscription) http.Header {
	t.Helper()
	h := NewHTTP(HTTPOptions{Version: "test", Now: func() time.Time { return sentAt }})
	made := models.NewSubscription(sub, sentAt)
	header, err := h.header(&models.Work{
		Event:        &models.Event{ID: "evt_1", Type: "order.paid"},
		Delivery:     &models.Delivery{ID: "dlv_1", Payload: models.PayloadData},
		Subscription: made,
	}, []byte("{}"))
	require.NoError(t, err)
	return redact(header, made)
}

// A name goes out as whoever owns the header writes it.
func TestHeaderNamesAreSpelledByTheirOwners(t *testing.T) {
	t.Parallel()
	common := []string{
		"Content-Type", "User-Agent", "X-Webhook-Attempt", "X-Webhook-Delivery", "X-Webhook-Event", "webhook-id", "webhook-timestamp",
	}
	for profile, name := range map[webhook.Profile]string{
		webhook.Standard: "webhook-signature", webhook.StandardEd25519: "webhook-signature",
		webhook.GitHub: "X-Hub-Signature-256", webhook.Stripe: "Stripe-Signature",
		webhook.ASPNet: "ms-signature", webhook.ServiceStack: "X-Hub-Signature",
	} {
		header := headerOf(t, models.Subscription{
			Signature: models.Signature(profile), Secrets: []models.Secret{{Value: profile.NewSecret().Reveal()}},
		})
		require.ElementsMatch(t, append(slices.Clone(common), name), slices.Collect(maps.Keys(header)), profile)
	}

	header := headerOf(t, models.Subscription{
		Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
		Auth:    models.Auth{Type: models.AuthBearer, Token: "hunter2"},
		Headers: map[string]string{
			"x-api-key": "hunter2", "x-lower": "a", "X-UPPER": "b", "authorization": "hunter2",
			"WEBHOOK-ID": "refused when it is saved, but may be there from before that",
		},
	})
	require.Equal(t, []string{"[redacted]"}, header["x-api-key"])
	require.Equal(t, []string{"a"}, header["x-lower"])
	require.Equal(t, []string{"b"}, header["X-UPPER"])
	require.Equal(t, []string{"evt_1"}, header["webhook-id"])
	require.NotContains(t, header, "WEBHOOK-ID")
	require.Len(t, header, len(common)+1+3+1)
	require.NotContains(t, header, "X-Api-Key")
	for name, values := range header {
		require.NotContains(t, values, "hunter2", name)
	}
}

// A header never holds more signatures than a receiver of its form can read.
func TestSignaturesDuringAGrace(t *testing.T) {
	t.Parallel()
	for _, profile := range webhook.Profiles() {
		old, next := profile.NewSecret(), profile.NewSecret()
		for with, one := range map[models.SignWith]webhook.Secret{"": old, models.SignWithPrevious: old, models.SignWithNew: next} {
			sub := models.Subscription{Signature: models.Signature(profile), Secrets: []models.Secret{{Value: old.Reveal()}}}
			require.NoError(t, sub.Rotate(next.Reveal(), time.Hour, with, sentAt))
			want := []webhook.Secret{one}
			if profile.HoldsSeveral() {
				want = []webhook.Secret{next, old}
			}
			signature, err := profile.Sign("evt_1", sentAt, []byte("{}"), want...)
			require.NoError(t, err)
			require.Equal(t, []string{signature}, headerOf(t, sub)[profile.Header()], "%s %s", profile, with)
		}
	}
}
