package courier_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// recorder keeps the headers of what is sent, and answers 503.
type recorder struct{ sent []http.Header }

func (r *recorder) Send(_ context.Context, request safehttp.Request) (models.Exchange, error) {
	r.sent = append(r.sent, request.Header)
	return models.Exchange{Status: 503, ErrorClass: models.ErrorStatus, Error: "answered 503"}, nil
}

// What a provider said beside the body goes on to the subscriber, alike with every attempt, and takes no header's place.
func TestHeadersOfWebhooksAreForwarded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		forward []string
		want    map[string]string
	}{
		"all":    {nil, map[string]string{"X-Shop": "a.example", "X-Own": "ours", "X-Webhook-Query": "a=1", "X-Other": "1"}},
		"chosen": {[]string{"X-Sh*"}, map[string]string{"X-Shop": "a.example", "X-Own": "ours", "X-Webhook-Query": "", "X-Other": ""}},
		"none":   {[]string{}, map[string]string{"X-Shop": "", "X-Own": "ours", "X-Webhook-Query": "", "X-Other": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &recorder{}
			carrier := courier.NewHTTP(courier.HTTPOptions{Sender: sent, Version: "1"})
			secret := webhook.NewSecret()
			verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
			require.NoError(t, err)
			sub := models.NewSubscription(models.Subscription{
				URL: "https://hooks.example.com/in", EventTypes: []string{"*"}, ForwardHeaders: tc.forward,
				Headers: map[string]string{"X-Own": "ours"}, Secrets: []models.Secret{{Value: secret.Reveal()}},
			}, time.Now())
			event := models.NewEvent(models.Event{Type: "a", Data: []byte("{}"), Received: &models.Received{
				Method: http.MethodPost, Query: "a=1", Headers: http.Header{
					"X-Shop": {"a.example"}, "X-Other": {"1"}, "X-Own": {"theirs", "too"}, "User-Agent": {"theirs"}, "Content-Type": {"text/xml"},
					"Webhook-Signature": {"v1,theirs"}, "Webhook-Id": {"theirs"}, "X-Webhook-Attempt": {"7"},
				},
			}}, time.Now())
			work := &models.Work{Delivery: &models.Delivery{ID: "dlv_1"}, Event: event, Subscription: sub}
			var attempt *models.Attempt
			for range 2 {
				attempt, err = carrier.Carry(t.Context(), work)
				require.NoError(t, err)
			}
			require.Len(t, sent.sent, 2)
			for _, raw := range sent.sent {
				header := http.Header{} // as a receiver has it
				for name, values := range raw {
					require.NotContains(t, header, http.CanonicalHeaderKey(name), "nothing goes out twice in two spellings")
					header[http.CanonicalHeaderKey(name)] = values
				}
				for name, value := range tc.want {
					require.Equal(t, value, header.Get(name), name)
				}
				require.Len(t, header["X-Own"], 1)
				require.Equal(t, "Posthaste/1", header.Get("User-Agent"))
				require.Equal(t, "application/json", header.Get("Content-Type"))
				require.Equal(t, event.ID, header.Get("Webhook-Id"))
				_, err := verifier.Verify(header, models.Body(event, &models.Delivery{}))
				require.NoError(t, err)
			}
			require.Equal(t, tc.want["X-Shop"], attempt.RequestHeaders.Get("X-Shop"))
		})
	}
}
