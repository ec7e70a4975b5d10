package receivers_test

import (
	"net/http"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// What Posthaste sends, the row of the same name takes.
func TestRowsTakeWhatWeSend(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			secret := p.NewSecret()
			row, credential := string(p), secret.Reveal()
			if p == webhook.StandardEd25519 {
				public, err := secret.PublicKey()
				require.NoError(t, err)
				row, credential = "standard", public.String()
			}
			req := receivers.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"type":"order.paid"}`), Now: noon}
			require.NoError(t, p.SetHeaders(req.Header, "evt_1", noon, req.Body, secret))
			_, err := verify(t, receivers.Named(row), receivers.Secrets(credential), req)
			require.NoError(t, err)
			req.Body[2]++
			_, err = verify(t, receivers.Named(row), receivers.Secrets(credential), req)
			require.ErrorIs(t, err, receivers.ErrNoMatch)
		})
	}
}
