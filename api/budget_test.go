package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
)

// stalled is a request of a megabyte that stops in the middle of its body.
type stalled struct {
	finish func()
	status chan int
}

// stall sends so many bytes of an event and waits until they have been read.
func stall(t *testing.T, url string, sent int) *stalled {
	t.Helper()
	begin := `{"type":"a","data":"`
	body := begin + strings.Repeat("x", mega-len(begin)-2) + `"}`
	out, in := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, out)
	require.NoError(t, err)
	request.ContentLength = int64(len(body))
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	s := &stalled{status: make(chan int, 1)}
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.status <- 0
			return
		}
		_ = response.Body.Close()
		s.status <- response.StatusCode
	}()
	_, err = io.WriteString(in, body[:sent])
	require.NoError(t, err)
	s.finish = func() { _, _ = io.WriteString(in, body[sent:]); _ = in.Close() }
	t.Cleanup(s.finish)
	return s
}

func newBudgetHarness(t *testing.T) (h *harness, url string) {
	t.Helper()
	h = newHarness(t, func(d *api.Deps) { d.BodyBudget = 2*mega + mega/2 })
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	return h, server.URL
}

// inUse waits until so much of the budget is taken.
func (h *harness) inUse(atLeast float64) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		answer := h.do(http.MethodGet, "/metrics", "")
		var used float64
		for line := range strings.Lines(answer.body) {
			if rest, ok := strings.CutPrefix(line, "posthaste_body_bytes "); ok {
				_, _ = fmt.Sscan(rest, &used)
			}
		}
		return used >= atLeast
	}, time.Minute, 5*time.Millisecond)
}

func TestBodiesBeyondTheBudgetAreRefusedUnread(t *testing.T) {
	t.Parallel()
	h, url := newBudgetHarness(t)
	source := h.source(`{"name":"x",` + goodSource + `}`)
	one, other := stall(t, url+"/v1/events", mega/2), stall(t, url+"/v1/events", mega/2)
	h.inUse(2 * mega)
	for _, path := range []string{"/v1/events", "/v1/events/batch", "/v1/subscriptions", "/in/" + source} {
		unread := &counter{}
		request := httptest.NewRequest(http.MethodPost, path, unread)
		request.ContentLength = mega
		request.Header.Set("Authorization", "Bearer "+apiKey)
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		h.handler.ServeHTTP(answer, request)
		require.Equal(t, http.StatusTooManyRequests, answer.Code, "%s: %s", path, answer.Body)
		require.Equal(t, "1", answer.Header().Get("Retry-After"))
		require.LessOrEqual(t, unread.read, 64<<10, "of %s", path)
	}
	one.finish()
	require.Equal(t, http.StatusAccepted, <-one.status)
	third := stall(t, url+"/v1/events", mega/2)
	third.finish()
	require.Equal(t, http.StatusAccepted, <-third.status, "there is room again")
	other.finish()
	require.Equal(t, http.StatusAccepted, <-other.status)
}

func TestWhoSendsLittleHoldsLittle(t *testing.T) {
	t.Parallel()
	h, url := newBudgetHarness(t)
	for range 20 {
		stall(t, url+"/v1/events", 100)
	}
	h.inUse(20 * (64 << 10))
	answer := h.do(http.MethodPost, "/v1/events", `{"type":"a","data":"`+strings.Repeat("x", mega-100)+`"}`)
	require.Equal(t, http.StatusAccepted, answer.status)
}

func TestStrangersHaveHalfOfTheBudget(t *testing.T) {
	t.Parallel()
	h, url := newBudgetHarness(t)
	source := h.source(`{"name":"x",` + goodSource + `}`)
	stall(t, url+"/in/"+source, mega/2)
	h.inUse(mega)
	request := httptest.NewRequest(http.MethodPost, "/in/"+source, strings.NewReader(strings.Repeat("x", mega)))
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, request)
	require.Equal(t, http.StatusTooManyRequests, answer.Code)
	require.Equal(t, http.StatusAccepted, h.do(http.MethodPost, "/v1/events", `{"type":"a","data":"`+strings.Repeat("x", mega-100)+`"}`).status)
}

// TestRefusedBatchIsBounded has a batch of tiny items, each of which is refused.
func TestRefusedBatchIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	long := strings.Repeat("y", 900)
	answer := h.do(http.MethodPost, "/v1/events/batch", `{"events":[`+strings.Repeat(`{"`+long+`":1},`, 999)+`{"type":"a"}]}`)
	require.Equal(t, http.StatusAccepted, answer.status)
	require.Less(t, len(answer.body), 500_000)
	var out struct {
		Results []struct {
			Error struct{ Code, Detail, Field string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(answer.body), &out))
	require.Len(t, out.Results, 1000)
	require.Contains(t, out.Results[0].Error.Detail, "is not a known field")
	require.Contains(t, out.Results[999].Error.Detail, "is refused")
	require.Equal(t, "data", out.Results[999].Error.Field, "the field is always named")
	require.Equal(t, "invalid", out.Results[999].Error.Code)
}

// counter counts what is read of it.
type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) { c.read += len(p); return len(p), nil }
