package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

func TestHandler(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		method, body string
		handled      error
		status       int
		calls        int
		logged       string
	}{
		"hands over what verifies":                 {http.MethodPost, orderBody, nil, http.StatusNoContent, 1, ""},
		"asks for another attempt if it failed":    {http.MethodPost, orderBody, errors.New("disk full"), http.StatusInternalServerError, 1, "disk full"},
		"refuses what was changed on the way":      {http.MethodPost, "{}", nil, http.StatusUnauthorized, 0, "no matching signature"},
		"refuses a body that is too long":          {http.MethodPost, strings.Repeat(" ", 101), nil, http.StatusRequestEntityTooLarge, 0, "too large"},
		"refuses a GET, as browsers and scans do":  {http.MethodGet, orderBody, nil, http.StatusMethodNotAllowed, 0, ""},
		"refuses other methods, whatever they say": {http.MethodPut, orderBody, nil, http.StatusMethodNotAllowed, 0, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var got []webhook.Message
			verifier := mustVerifier(t, []string{secret32}, webhook.WithMaxBody(100), webhook.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			handler := verifier.Handler(func(_ context.Context, msg webhook.Message) error {
				got = append(got, msg)
				return tc.handled
			})
			r := post(goodHeaders(), strings.NewReader(tc.body))
			r.Method = tc.method
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			require.Equal(t, tc.status, answer.Code)
			require.Len(t, got, tc.calls)
			if tc.calls > 0 {
				require.Equal(t, webhook.Message{ID: eventID, Timestamp: sentAt.UTC(), Body: []byte(orderBody)}, got[0])
			}
			require.Contains(t, log.String(), tc.logged)
			require.Equal(t, tc.logged == "", log.Len() == 0)
			require.True(t, tc.logged == "" || !strings.Contains(answer.Body.String(), tc.logged), "the reason stays here")
		})
	}

	t.Run("of the zero verifier refuses everything", func(t *testing.T) {
		t.Parallel()
		answer := httptest.NewRecorder()
		new(webhook.Verifier).Handler(nil).ServeHTTP(answer, post(goodHeaders(), strings.NewReader(orderBody)))
		require.Equal(t, http.StatusUnauthorized, answer.Code)
	})
}
