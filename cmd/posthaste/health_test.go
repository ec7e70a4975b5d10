package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

// askHealth runs the command against an API that answers with status.
func askHealth(t *testing.T, status int) (code int, out, err string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		fmt.Fprintln(w, "says the API")
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	return runHealth(t, "0.0.0.0:"+port) // as the API of a container is told to listen
}

func runHealth(t *testing.T, listen string) (code int, out, err string) {
	t.Helper()
	t.Setenv("POSTHASTE_LISTEN", listen)
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), []string{"health"}, terminal.Streams{Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestHealth(t *testing.T) {
	t.Run("Ready", func(t *testing.T) {
		code, out, err := askHealth(t, http.StatusOK)
		require.Zero(t, code, err)
		require.Equal(t, "says the API\n", out)
	})
	t.Run("NotReady", func(t *testing.T) {
		code, _, err := askHealth(t, http.StatusServiceUnavailable)
		require.Equal(t, 1, code)
		require.Contains(t, err, "not ready: 503 Service Unavailable: says the API")
	})
	t.Run("Away", func(t *testing.T) {
		code, _, err := runHealth(t, "127.0.0.1:1")
		require.Equal(t, 1, code)
		require.Contains(t, err, "does not answer")
	})
}
