package courier

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

type sent struct{ header http.Header }

func (s *sent) Send(_ context.Context, request safehttp.Request) (models.Exchange, error) {
	s.header = request.Header
	return models.Exchange{Status: http.StatusNoContent}, nil
}

// TestTraceparent has a subscription with a header of that name, which can only belong to one trace.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	const span, own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	in := tracing.Join(t.Context(), span)
	for _, tc := range []struct {
		name    string
		ctx     context.Context //nolint:containedctx // of a case
		headers map[string]string
		want    http.Header
	}{
		{"the attempt's span", in, nil, http.Header{"traceparent": {span}}},
		{"the attempt's span in place of the subscription's", in, map[string]string{"Traceparent": own}, http.Header{"traceparent": {span}}},
		{"the subscription's where there is no trace", t.Context(), map[string]string{"Traceparent": own}, http.Header{"Traceparent": {own}}},
		{"none", t.Context(), nil, http.Header{}},
	} {
		s, secret := &sent{}, webhook.NewSecret()
		attempt, err := NewHTTP(HTTPOptions{Sender: s}).Carry(tc.ctx, &models.Work{
			Event: &models.Event{ID: "evt_1", Type: "a", Data: []byte("{}")}, Delivery: &models.Delivery{ID: "dlv_1"},
			Subscription: models.NewSubscription(models.Subscription{
				Headers: tc.headers, Secrets: []models.Secret{{Value: secret.Reveal()}},
			}, sentAt),
		})
		require.NoError(t, err)
		for _, header := range []http.Header{s.header, attempt.RequestHeaders} {
			got := http.Header{}
			for _, name := range []string{"traceparent", "Traceparent"} {
				if header[name] != nil {
					got[name] = header[name]
				}
			}
			require.Equal(t, tc.want, got, tc.name)
		}
	}
}
