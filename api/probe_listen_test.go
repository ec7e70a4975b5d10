package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
)

func probes(t *testing.T, key string) http.Handler {
	t.Helper()
	s, quiet := openStore(t), slog.New(slog.DiscardHandler)
	handler, err := api.NewProbes(api.ProbeDeps{
		Store: s, Engine: &engine{}, Logger: quiet, Registry: registryOf(s, "1.2.3"), Key: key, Version: "1.2.3",
	})
	require.NoError(t, err)
	return handler
}

func probe(t *testing.T, handler http.Handler, host, path, key string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Host = host
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestProbes(t *testing.T) {
	t.Parallel()

	t.Run("show metrics without a key to this machine only", func(t *testing.T) {
		t.Parallel()
		handler := probes(t, "")
		shown := probe(t, handler, "127.0.0.1:9090", "/metrics", "")
		require.Equal(t, http.StatusOK, shown.Code)
		require.Contains(t, shown.Body.String(), `version="1.2.3"`)
		require.Contains(t, shown.Body.String(), "posthaste_backlog_events 0")
		require.Equal(t, http.StatusMisdirectedRequest, probe(t, handler, "rebound.example", "/metrics", "").Code)
		require.Equal(t, http.StatusMisdirectedRequest, probe(t, handler, "rebound.example", "/metrics", "phk_any").Code)
	})

	t.Run("ask for their key", func(t *testing.T) {
		t.Parallel()
		handler := probes(t, apiKey)
		for _, wrong := range []string{"", "phk_any", apiKey + "x"} {
			refused := probe(t, handler, "10.0.0.1", "/metrics", wrong)
			require.Equal(t, http.StatusUnauthorized, refused.Code)
			require.Equal(t, "Bearer", refused.Header().Get("WWW-Authenticate"))
			require.NotContains(t, refused.Body.String(), "posthaste_")
		}
		require.Equal(t, http.StatusOK, probe(t, handler, "10.0.0.1", "/metrics", apiKey).Code)
	})

	t.Run("answer balancers without a key, and nothing else", func(t *testing.T) {
		t.Parallel()
		handler := probes(t, apiKey)
		require.JSONEq(t, `{"status":"ok","version":"1.2.3"}`, probe(t, handler, "10.0.0.1", "/healthz", "").Body.String())
		require.JSONEq(t, `{"status":"ready","version":"1.2.3","store":"ready","temporal":"ready","disk":"ready"}`,
			probe(t, handler, "10.0.0.1", "/readyz", "").Body.String())
		require.Equal(t, http.StatusNotFound, probe(t, handler, "10.0.0.1", "/v1/stats", apiKey).Code)
	})

	t.Run("need all they are made of", func(t *testing.T) {
		t.Parallel()
		_, err := api.NewProbes(api.ProbeDeps{Engine: &engine{}})
		require.Error(t, err)
	})
}
