package operator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthaste/posthaste/internal/terminal"
)

// fakeAPI answers as told: by method and path, the answers in turn, and the last one again and again.
type fakeAPI struct {
	url     string
	mu      sync.Mutex
	answers map[string][]fakeAnswer
	seen    []fakeCall
}

type fakeAnswer struct {
	status int
	body   string
}

type fakeCall struct{ what, body, actor, key string }

func newFakeAPI(t *testing.T, answers map[string][]fakeAnswer) *fakeAPI {
	t.Helper()
	api := &fakeAPI{answers: answers}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	api.url = server.URL
	return api
}

// ServeHTTP implements http.Handler.
func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, fakeCall{
		r.Method + " " + r.URL.RequestURI(), string(body), r.Header.Get("Posthaste-Actor"), r.Header.Get("Authorization"),
	})
	key := r.Method + " " + r.URL.Path
	answers := f.answers[key]
	if len(answers) == 0 {
		answers = []fakeAnswer{notFound}
	}
	if len(answers) > 1 {
		f.answers[key] = answers[1:]
	}
	w.WriteHeader(answers[0].status)
	_, _ = io.WriteString(w, answers[0].body)
}

func (f *fakeAPI) calls() []fakeCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

var (
	notFound = refusal(404, "not_found", "there is nothing of this id")
	conflict = refusal(409, "conflict", "the delivery is delivered")
	away     = refusal(503, "unavailable", "Temporal is away")
	busy     = refusal(429, "busy", "too many requests at once")
)

func refusal(status int, code, detail string) fakeAnswer {
	return fakeAnswer{status, fmt.Sprintf(`{"status":%d,"code":%q,"detail":%q}`, status, code, detail)}
}

func ok(body string) []fakeAnswer { return []fakeAnswer{{200, body}} }

// ran is what a command came to.
type ran struct {
	out, err string
	code     int
}

// operate runs a command against the fake API.
func (f *fakeAPI) operate(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return f.operateUntil(ctx, stdin, args...)
}

func (f *fakeAPI) operateUntil(ctx context.Context, stdin string, args ...string) ran {
	var out, err bytes.Buffer
	args = append(args, "--url", f.url, "--api-key", testKey, "--actor", "zoe@desk")
	code := run(ctx, args, terminal.Streams{In: strings.NewReader(stdin), Out: &out, Err: &err})
	return ran{out.String(), err.String(), code}
}
