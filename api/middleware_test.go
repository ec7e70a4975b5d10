package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	h := newHarness(t)

	t.Run("is the caller's if that is sane", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{"a", "6f1c2b9e-6c1b-4a55-9f0e-0d9a4b1c2d3e", "Root=1-67891233:abc/def+@x_y.z"} {
			require.Equal(t, id, h.do(http.MethodGet, "/healthz", "", "X-Request-Id", id).header.Get("X-Request-Id"))
		}
	})

	t.Run("is made otherwise, anew each time", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for _, id := range []string{"", "a b", "a\"b", "é", strings.Repeat("x", 129)} {
			made := h.do(http.MethodGet, "/healthz", "", "X-Request-Id", id).header.Get("X-Request-Id")
			require.True(t, models.ValidID("req_", made), made)
			require.False(t, seen[made])
			seen[made] = true
		}
	})

	t.Run("is on problems, too", func(t *testing.T) {
		t.Parallel()
		require.NotEmpty(t, h.get("/nowhere").header.Get("X-Request-Id"))
	})
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.do(http.MethodPost, "/v1/events", `{"type":"a","data":"confidential"}`, "X-Request-Id", "r1", "Cookie", "confidential")
	h.get("/v1/events?tenant=confidential")
	h.get("/v1/events/confidential")
	h.get("/confidential")

	require.NotContains(t, h.logs.String(), "confidential")
	require.NotContains(t, h.logs.String(), apiKey)
	lines := strings.Split(strings.TrimSpace(h.logs.String()), "\n")
	require.Len(t, lines, 4)
	var first map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	require.Positive(t, first["ms"])
	delete(first, "ms")
	delete(first, "time")
	require.Equal(t, map[string]any{
		"level": "DEBUG", "msg": "api.request", "request_id": "r1", "method": "POST", "route": "/v1/events", "status": 202.0,
	}, first)
	require.Contains(t, lines[2], `"route":"/v1/events/:id","status":404`)
	require.Contains(t, lines[3], `"route":"","status":404`)
}

func TestCallerWhoHungUpIsNoFailureOfOurs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events", http.NoBody)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	require.NotContains(t, h.logs.String(), `"level":"ERROR"`)
	require.NotContains(t, h.logs.String(), `"level":"WARN"`)
}

func TestAnswersAreNotForCachesNorForSniffing(t *testing.T) {
	t.Parallel()
	for _, a := range []*answer{newHarness(t).get("/healthz"), newHarness(t).get("/nowhere")} {
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	}
}
