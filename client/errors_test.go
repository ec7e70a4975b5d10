package client_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

var sentinels = []error{
	client.ErrInvalid, client.ErrUnauthorized, client.ErrNotFound, client.ErrConflict,
	client.ErrTooLarge, client.ErrUnavailable, client.ErrAnswer,
}

// requireOnly checks that err means want and none of the others.
func requireOnly(t *testing.T, err, want error) {
	t.Helper()
	for _, sentinel := range sentinels {
		same := sentinel == want //nolint:errorlint // which of the sentinels it is, is the question
		require.Equal(t, same, errors.Is(err, sentinel), "%v against %v", err, sentinel)
	}
}

func TestErrorMeanings(t *testing.T) {
	t.Parallel()

	meanings := map[int]error{
		400: client.ErrInvalid, 422: client.ErrInvalid,
		401: client.ErrUnauthorized, 403: client.ErrUnauthorized,
		404: client.ErrNotFound, 409: client.ErrConflict, 413: client.ErrTooLarge,
		429: client.ErrUnavailable, 500: client.ErrUnavailable, 501: client.ErrUnavailable, 503: client.ErrUnavailable,
		301: nil, 418: nil,
	}
	for status, want := range meanings {
		t.Run("status "+strconv.Itoa(status)+" has one meaning at most", func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, answer(status, ""))
			_, err := c.Publish(t.Context(), order)
			require.Error(t, err)
			requireOnly(t, err, want)
		})
	}
}

func TestErrorParticulars(t *testing.T) {
	t.Parallel()

	publish := func(t *testing.T, answer http.HandlerFunc) *client.Error {
		t.Helper()
		c, _ := setup(t, []client.Option{client.WithMaxAttempts(1)}, answer)
		_, err := c.Publish(t.Context(), order)
		var failed *client.Error
		require.ErrorAs(t, err, &failed)
		return failed
	}

	t.Run("come from the problem document", func(t *testing.T) {
		t.Parallel()
		failed := publish(t, problem(422, "invalid", "type is empty", "type"))
		require.Equal(t, &client.Error{Status: 422, Code: "invalid", Detail: "type is empty", Field: "type"}, failed)
		require.EqualError(t, failed, "posthaste: status 422 invalid: type is empty (field type)")
	})

	texts := map[string]struct{ body, want string }{
		"are the status alone for a proxy's page":        {"<html>no</html>", "posthaste: status 404: Not Found"},
		"are the status alone for other JSON":            {`{"code":7}`, "posthaste: status 404: Not Found"},
		"are the title where there is no detail":         {`{"title":"Nothing here"}`, "posthaste: status 404: Nothing here"},
		"trust the answer's status, not the document's":  {`{"status":200,"detail":"x"}`, "posthaste: status 404: x"},
		"are the status alone for an endless document":   {`{"detail":"` + strings.Repeat("x", 1<<20) + `"}`, "posthaste: status 404: Not Found"},
		"are without the API key if the server tells it": {`{"code":"bad ` + apiKey + `","detail":"key ` + apiKey + `","field":"` + apiKey + `"}`, "posthaste: status 404 bad [redacted]: key [redacted] (field [redacted])"},
	}
	for name, tc := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, publish(t, answer(404, tc.body)), tc.want)
		})
	}

	ids := map[string]struct{ header, want string }{
		"have the id of the request":           {"req-7/a", "req-7/a"},
		"have no id that is longer than ids":   {strings.Repeat("x", 129), ""},
		"have no id that would break the line": {"a b", ""},
		"have no id that holds the API key":    {apiKey, "[redacted]"},
	}
	for name, tc := range ids {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := publish(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", tc.header)
				w.WriteHeader(http.StatusConflict)
			})
			require.Equal(t, tc.want, failed.RequestID)
		})
	}

	t.Run("tell the id of the request in one line", func(t *testing.T) {
		t.Parallel()
		failed := &client.Error{Status: 409, Code: client.CodeConflict, Detail: "it is delivered", RequestID: "req-7"}
		require.EqualError(t, failed, "posthaste: status 409 conflict: it is delivered [request req-7]")
	})

	t.Run("have no status when no answer came", func(t *testing.T) {
		t.Parallel()
		failed := publish(t, hangUp)
		require.Zero(t, failed.Status)
		require.Error(t, failed.Unwrap())
		require.False(t, errors.Is(failed, context.Canceled))
	})
}

func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()

	unreadable := map[string]string{
		"that is a web page":       "<html>sign in</html>",
		"that is empty":            "",
		"without an id":            "{}",
		"with a wrong type inside": `{"id":7}`,
		"with a bad time":          `{"id":"evt_1","created_at":"` + apiKey + `"}`,
	}
	for name, body := range unreadable {
		t.Run("an answer "+name+" is an error and not asked for again", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, answer(http.StatusAccepted, body))
			_, err := c.Publish(t.Context(), order)
			requireOnly(t, err, client.ErrAnswer)
			require.NotContains(t, err.Error(), apiKey)
			require.Len(t, bundle.seen(), 1)
		})
	}

	t.Run("an endless answer is read to the bound and no further", func(t *testing.T) {
		t.Parallel()
		block, sent := []byte(strings.Repeat(" ", 1<<16)), 0
		done := make(chan struct{})
		c, _ := setup(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			defer close(done)
			for sent < 100*client.MaxAnswer { // the test fails rather than hangs
				n, err := w.Write(block)
				if sent += n; err != nil {
					return
				}
			}
		})
		_, err := c.Publish(t.Context(), order)
		requireOnly(t, err, client.ErrAnswer)
		<-done
		require.True(t, sent < 10*client.MaxAnswer, "%d bytes were sent", sent) // what is over is in socket buffers
	})
}
