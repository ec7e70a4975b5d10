package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

const apiKey = "phk_0123456789abcdef"

// accepted is a good answer to POST /v1/events.
const accepted = `{"id":"evt_1","tenant":"default","type":"order.paid","created_at":"2026-11-21T10:00:00.5Z",
	"duplicate":false,"links":{"self":"/v1/events/evt_1"},"added_later":[1]}`

// call is a request the server has seen.
type call struct {
	header http.Header
	path   string
	body   string
}

// testBundle is a client, the server it talks to, and what either has done.
type testBundle struct {
	url   string
	mu    sync.Mutex
	calls []call
	waits []time.Duration
}

// setup starts a server that gives the answers in turn, the last one for ever.
func setup(t *testing.T, opts []client.Option, answers ...http.HandlerFunc) (*client.Client, *testBundle) {
	t.Helper()
	bundle := &testBundle{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bundle.mu.Lock()
		bundle.calls = append(bundle.calls, call{r.Header.Clone(), r.Method + " " + r.URL.RequestURI(), string(body)})
		answer := answers[min(len(bundle.calls), len(answers))-1]
		bundle.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	bundle.url = server.URL
	c, err := client.New(server.URL, apiKey, append([]client.Option{
		client.WithSleep(bundle.noteWait), client.WithRandom(0),
	}, opts...)...)
	require.NoError(t, err)
	return c, bundle
}

// noteWait takes the place of sleeping.
func (b *testBundle) noteWait(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits = append(b.waits, d)
	return ctx.Err()
}

// seen are the calls so far.
func (b *testBundle) seen() []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// keys are the idempotency keys of all calls, in order.
func (b *testBundle) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, c := range b.seen() {
		var body struct {
			Key string `json:"idempotency_key"`
		}
		require.NoError(t, json.Unmarshal([]byte(c.body), &body))
		keys = append(keys, body.Key)
	}
	return keys
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func problem(status int, code, detail, field string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"about:blank","title":"t","status":%d,"code":%q,"detail":%q,"field":%q}`,
			status, code, detail, field)
	}
}

func busy(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(status)
	}
}

// cut promises more than it sends and drops the connection.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, accepted[:40])
	panic(http.ErrAbortHandler)
}

// hangUp drops the connection without a word.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
