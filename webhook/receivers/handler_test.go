package receivers_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// serve gives the answer of a handler to a request.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

// incoming is the request as a server sees it.
func incoming(req receivers.Request) *http.Request {
	r := httptest.NewRequest(req.Method, "/in", bytes.NewReader(req.Body))
	r.Header = req.Header
	return r
}

func github(handlers ...receivers.HandlerFunc) http.Handler {
	return receivers.Handler(receivers.Named("github"), receivers.Secrets(costSecret), handlers...)
}

func refuses(t *testing.T) receivers.HandlerFunc {
	t.Helper()
	return func(context.Context, receivers.Event) error {
		t.Error("it was handed on")
		return nil
	}
}

func TestHandlersRunInOrderAndTheFirstErrorStops(t *testing.T) {
	t.Parallel()

	var seen []string
	note := func(name string, err error) receivers.HandlerFunc {
		return func(_ context.Context, e receivers.Event) error {
			seen = append(seen, name+" "+e.Type+" "+e.ID)
			return err
		}
	}
	all := serve(github(note("first", nil), note("second", nil)), incoming(plainRequest("github", []byte("{}"))))
	require.Equal(t, http.StatusOK, all.Code)
	require.Empty(t, all.Body.String())
	require.Equal(t, []string{"first issues 1", "second issues 1"}, seen)

	seen = nil
	broken := serve(github(note("first", errors.New("disk full")), note("second", nil)), incoming(plainRequest("github", []byte("{}"))))
	require.Equal(t, http.StatusInternalServerError, broken.Code)
	require.NotContains(t, broken.Body.String(), "disk")
	require.Equal(t, []string{"first issues 1"}, seen)
}

func TestRefusalsSayNothing(t *testing.T) {
	t.Parallel()

	forged := plainRequest("github", []byte("{}"))
	forged.Body = []byte(`{"forged":true}`)
	unsigned := plainRequest("github", []byte("{}"))
	unsigned.Header.Del("X-Hub-Signature-256")
	get := plainRequest("github", []byte("{}"))
	get.Method = http.MethodGet

	h := github(refuses(t))
	answers := map[string]*httptest.ResponseRecorder{"forged": serve(h, incoming(forged)), "unsigned": serve(h, incoming(unsigned))}
	for name, answer := range answers {
		require.Equal(t, http.StatusUnauthorized, answer.Code, name)
		require.Equal(t, "refused\n", answer.Body.String(), name)
	}
	wrong := serve(h, incoming(get))
	require.Equal(t, http.StatusMethodNotAllowed, wrong.Code)
	require.Equal(t, http.MethodPost, wrong.Header().Get("Allow"))
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()

	r, err := receivers.New(receivers.Named("github"), receivers.Secrets(costSecret), receivers.WithMaxBody(10))
	require.NoError(t, err)
	ok := func(context.Context, receivers.Event) error { return nil }
	require.Equal(t, http.StatusOK, serve(r.Handler(ok), incoming(plainRequest("github", []byte("1234567890")))).Code)
	long := incoming(plainRequest("github", []byte("12345678901")))
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(r.Handler(refuses(t)), long).Code)
	long = incoming(plainRequest("github", []byte("12345678901")))
	long.ContentLength = -1 // chunked
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(r.Handler(refuses(t)), long).Code)

	standard, err := receivers.New(receivers.Named("github"), receivers.Secrets(costSecret), receivers.WithMaxBody(0))
	require.NoError(t, err)
	large := bytes.Repeat([]byte(" "), receivers.DefaultMaxBody+1)
	require.Equal(t, http.StatusOK, serve(standard.Handler(ok), incoming(plainRequest("github", large[1:]))).Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(standard.Handler(refuses(t)), incoming(plainRequest("github", large))).Code)
}

func TestABodyThatBreaksOffIsRefused(t *testing.T) {
	t.Parallel()

	r := incoming(plainRequest("github", []byte("{}")))
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("gone")))
	require.Equal(t, http.StatusUnauthorized, serve(github(refuses(t)), r).Code)
}

// A proxy in front ends TLS and has a name of its own; who sends can write any.
func TestThePublicURLComesFromConfiguration(t *testing.T) {
	t.Parallel()

	receiver, err := receivers.New(receivers.Named("trello"), receivers.Secrets(costSecret), receivers.WithPublicURL("https://hooks.example.com/"))
	require.NoError(t, err)
	request := func(signedFor string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/in%2Fa?b=1&c", strings.NewReader("{}"))
		r.Header.Set("X-Trello-Webhook", base64.StdEncoding.EncodeToString(sum(sha1.New, costSecret, "{}"+signedFor)))
		r.Header.Set("X-Forwarded-Host", "evil.example")
		return r
	}
	ok := receiver.Handler(func(context.Context, receivers.Event) error { return nil })
	require.Equal(t, http.StatusOK, serve(ok, request("https://hooks.example.com/in%2Fa?b=1&c")).Code)
	for _, other := range []string{"http://10.0.0.7:8080/in%2Fa?b=1&c", "https://evil.example/in%2Fa?b=1&c", "https://hooks.example.com/in/a?b=1&c"} {
		require.Equal(t, http.StatusUnauthorized, serve(receiver.Handler(refuses(t)), request(other)).Code, other)
	}
}

func TestChallengesAreHandedToNobody(t *testing.T) {
	t.Parallel()

	h := receivers.Handler(receivers.Named("dropbox"), receivers.Secrets(costSecret), refuses(t))
	answer := serve(h, httptest.NewRequest(http.MethodGet, "/in?challenge=%3Cscript%3E", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "<script>", answer.Body.String())
	require.Equal(t, "text/plain", answer.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))

	for _, query := range []string{"", "?challenge=", "?challenge=a&challenge=b", "?challenge=" + strings.Repeat("x", 1025)} {
		require.Equal(t, http.StatusMethodNotAllowed, serve(h, httptest.NewRequest(http.MethodGet, "/in"+query, nil)).Code, query)
	}
}

func TestChallengesAreAnsweredBriefly(t *testing.T) {
	t.Parallel()

	p := receivers.Named("hmac")
	p.Challenges = []receivers.Challenge{{Method: http.MethodPost, Unless: "header.X-Signature", Reply: "{body}."}}
	h := receivers.Handler(p, receivers.Secrets(costSecret), refuses(t))
	for length, want := range map[int]int{1023: http.StatusOK, 1024: http.StatusUnauthorized} {
		require.Equal(t, want, serve(h, incoming(post(strings.Repeat("x", length)))).Code)
	}
}

func TestReasonsAreLogged(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	receiver, err := receivers.New(receivers.Named("bearer"), receivers.Secrets(costSecret),
		receivers.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	failing := receiver.Handler(func(context.Context, receivers.Event) error { return errors.New("disk full") })
	require.Equal(t, http.StatusInternalServerError, serve(failing, incoming(post("{}", "Authorization", "Bearer "+costSecret))).Code)
	require.Equal(t, http.StatusUnauthorized, serve(failing, incoming(post("{}", "Authorization", "Bearer guess"))).Code)
	require.Contains(t, log.String(), "disk full")
	require.Contains(t, log.String(), "no credential fits")
	require.NotContains(t, log.String(), costSecret)
	require.NotContains(t, log.String(), "guess")
}

func TestHandlersThatCannotWorkPanic(t *testing.T) {
	t.Parallel()

	ok := func(context.Context, receivers.Event) error { return nil }
	require.Panics(t, func() { receivers.Handler(receivers.Named("githup"), receivers.Secrets(costSecret), ok) })
	require.Panics(t, func() { receivers.Handler(receivers.Named("github"), receivers.Secrets(""), ok) })
	require.Panics(t, func() { receivers.Handler(receivers.Named("github"), receivers.Secrets(costSecret)) })
	for _, row := range []string{"trello", "twilio", "mandrill"} {
		require.Panics(t, func() { receivers.Handler(receivers.Named(row), receivers.Secrets(costSecret), ok) }, row)
	}
}
