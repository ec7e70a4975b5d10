package publictest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// busyFirst asks to come back in a minute, and accepts the second request.
func busyFirst(t *testing.T) *client.Client {
	t.Helper()
	answers := []*http.Response{
		{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"60"}}, Body: http.NoBody},
		{StatusCode: http.StatusAccepted, Body: io.NopCloser(strings.NewReader(`{"id":"evt_1"}`))},
	}
	c, err := client.New("http://posthaste.example", "", client.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			answer := answers[0]
			answers = answers[1:]
			return answer, nil
		}),
	}))
	require.NoError(t, err)
	return c
}

func TestClientPauses(t *testing.T) {
	t.Parallel()

	t.Run("as long as the server asks for", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			published, err := busyFirst(t).Publish(t.Context(), client.Event{Type: "order.paid"})
			require.NoError(t, err)
			require.Equal(t, "evt_1", published.ID)
			require.Equal(t, time.Minute, time.Since(begun))
		})
	})

	t.Run("no longer than the context lasts", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begun := time.Now()
			_, err := busyFirst(t).Publish(ctx, client.Event{Type: "order.paid"})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 10*time.Second, time.Since(begun))
		})
	})
}
