package interop

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

// delivery is one webhook on its way to a receiver.
type delivery struct {
	profile webhook.Profile
	body    string
	forged  string           // sent instead of the body that was signed; "": the body
	at      time.Time        // the time that is signed
	secrets []webhook.Secret // newest first
}

// deliver posts d to the URL and gives the status of the answer. It is the one
// place where a request is made: whatever makes requests as Posthaste does can
// stand here.
func deliver(t *testing.T, d delivery, url string) int {
	t.Helper()
	sent := d.body
	if d.forged != "" {
		sent = d.forged
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(sent)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	require.NoError(t, d.profile.SetHeaders(r.Header, "evt_01jd2m7x3v9k5h8q4w6r0t1ynb", d.at, []byte(d.body), d.secrets...))
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// receiver answers 204 to what the judge accepts and 401 to the rest.
func receiver(t *testing.T, judge func(*http.Request) error) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := judge(r); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// withBody is a judge that looks at headers and body.
func withBody(judge func(http.Header, []byte) error) func(*http.Request) error {
	return func(r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		return judge(r.Header, body)
	}
}
