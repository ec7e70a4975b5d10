package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
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
	require.Len(t, lines, 5)
	require.Contains(t, lines[0], `"msg":"event.accepted"`)
	lines = lines[1:]
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

// TestOtherOriginsChangeNothing sends what a browser sends for a page of another origin: a form, or a fetch without CORS.
func TestOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	foreign := [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:3000"}, // another port of this machine
		{"Origin", "https://evil.example"},                                 // of browsers that do not know Sec-Fetch-Site
		{"Origin", "http://localhost:3000"},
		{"Origin", "null"}, // of a sandboxed frame, or a file
	}
	for name, h := range map[string]*harness{
		"with a key": newHarness(t), "without": newHarness(t, func(d *api.Deps) { d.APIKey = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.on(t)
			id := h.subscribe()
			secret := h.get("/v1/subscriptions/" + id + "/secret").body
			for _, headers := range foreign {
				for _, route := range api.Routes() {
					if route.Method != http.MethodGet {
						h.do(route.Method, with(route.Path, id), "", headers...).isProblem(http.StatusForbidden, "cross_origin", "")
					}
				}
				read := h.do(http.MethodGet, "/v1/subscriptions/"+id+"/secret", "", headers...)
				read.is(http.StatusOK)
				require.Empty(t, read.header.Get("Access-Control-Allow-Origin"), "so the browser keeps the answer from the page")
			}
			require.Equal(t, secret, h.get("/v1/subscriptions/"+id+"/secret").body)
			require.Empty(t, h.control.asked)
		})
	}

	t.Run("our own pages, and what is no browser, may", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, headers := range [][]string{
			nil,
			{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:8080"},
			{"Sec-Fetch-Site", "none"},
			{"Origin", "http://localhost:8080"},
		} {
			h.do(http.MethodPost, "/v1/events", eventBody, headers...).is(http.StatusAccepted)
		}
	})

	t.Run("what is signed comes from wherever it comes", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, headers := range foreign {
			h.do(http.MethodPost, "/in/"+models.NewSourceID(), "{}", headers...).
				isProblem(http.StatusNotFound, models.CodeNotFound, "")
		}
	})
}
