package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

func TestRetries(t *testing.T) {
	t.Parallel()

	passing := map[string]http.HandlerFunc{
		"a connection that is dropped": hangUp,
		"an answer cut in the middle":  cut,
	}
	for _, status := range []int{429, 500, 502, 503, 504} {
		passing["status "+strconv.Itoa(status)] = answer(status, "")
	}
	for name, failure := range passing {
		t.Run("tries again after "+name+", with the same key and body", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, failure, failure, answer(http.StatusAccepted, accepted))
			published, err := c.Publish(t.Context(), order)
			require.NoError(t, err)
			require.Equal(t, "evt_1", published.ID)
			require.Len(t, bundle.seen(), 3)
			require.NotEmpty(t, bundle.keys(t)[0])
			require.Equal(t, bundle.seen()[0].body, bundle.seen()[1].body)
			require.Equal(t, bundle.seen()[0].body, bundle.seen()[2].body)
		})

		t.Run("gives up after four tries ending in "+name, func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, failure)
			_, err := c.Publish(t.Context(), order)
			require.ErrorIs(t, err, client.ErrUnavailable)
			require.Len(t, bundle.seen(), 4)
			require.Len(t, bundle.waits, 3)
		})
	}

	t.Run("says so to who wants to know", func(t *testing.T) {
		t.Parallel()
		var told []time.Duration
		notice := client.WithRetryNotice(func(err error, wait time.Duration) {
			require.ErrorIs(t, err, client.ErrUnavailable)
			told = append(told, wait)
		})
		c, bundle := setup(t, []client.Option{notice}, hangUp, answer(http.StatusServiceUnavailable, ""), answer(http.StatusAccepted, accepted))
		_, err := c.Publish(t.Context(), order)
		require.NoError(t, err)
		require.Equal(t, bundle.waits, told)
		require.Len(t, told, 2)

		told = nil
		c, _ = setup(t, []client.Option{notice}, answer(http.StatusConflict, ""))
		_, err = c.Publish(t.Context(), order)
		require.Error(t, err)
		require.Empty(t, told, "what is not tried again is an error only")
	})

	for _, status := range []int{302, 307, 400, 401, 403, 404, 409, 413, 422, 501} {
		t.Run("does not try again after status "+strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, busy(status, "1"))
			_, err := c.Publish(t.Context(), order)
			var failed *client.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, status, failed.Status)
			require.Len(t, bundle.seen(), 1)
			require.Empty(t, bundle.waits)
		})
	}

	t.Run("keeps to the number of attempts it is given", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{1, 2, 7} {
			c, bundle := setup(t, []client.Option{client.WithMaxAttempts(n)}, answer(503, ""))
			_, err := c.Publish(t.Context(), order)
			require.ErrorIs(t, err, client.ErrUnavailable)
			require.Len(t, bundle.seen(), n)
		}
	})

	t.Run("reports a server that is not there", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		bundle := &testBundle{}
		c, err := client.New(server.URL, apiKey, client.WithSleep(bundle.noteWait))
		require.NoError(t, err)
		_, err = c.Publish(t.Context(), order)
		require.ErrorIs(t, err, client.ErrUnavailable)
		require.ErrorContains(t, err, "no answer")
		require.Len(t, bundle.waits, 3)
	})
}

func TestWaits(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	ms := func(n ...int) (waits []time.Duration) {
		for _, each := range n {
			waits = append(waits, time.Duration(each)*time.Millisecond)
		}
		return waits
	}
	cases := map[string]struct {
		random float64
		answer http.HandlerFunc
		want   []time.Duration
	}{
		"double, at least half of each":              {0, answer(503, ""), ms(250, 500, 1000, 2000, 4000, 5000, 5000)},
		"double, at most all of each":                {1, answer(503, ""), ms(500, 1000, 2000, 4000, 8000, 10000, 10000)},
		"follow Retry-After in seconds":              {0, busy(429, "7"), ms(7000, 7000, 7000, 7000, 7000, 7000, 7000)},
		"follow Retry-After as a date":               {0, busy(503, now.Add(30*time.Second).Format(http.TimeFormat)), ms(30000, 30000, 30000, 30000, 30000, 30000, 30000)},
		"are not shortened by Retry-After":           {0, busy(503, "1"), ms(1000, 1000, 1000, 2000, 4000, 5000, 5000)},
		"are not changed by a Retry-After of zero":   {0, busy(503, "0"), ms(250, 500, 1000, 2000, 4000, 5000, 5000)},
		"are not changed by a date that is past":     {0, busy(503, now.Add(-time.Hour).Format(http.TimeFormat)), ms(250, 500, 1000, 2000, 4000, 5000, 5000)},
		"are not changed by a senseless Retry-After": {0, busy(503, "-5 soon"), ms(250, 500, 1000, 2000, 4000, 5000, 5000)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []client.Option{
				client.WithRandom(tc.random), client.WithMaxAttempts(8),
				client.WithClock(func() time.Time { return now }),
			}
			c, bundle := setup(t, opts, tc.answer)
			_, err := c.Publish(t.Context(), order)
			require.ErrorIs(t, err, client.ErrUnavailable)
			require.Equal(t, tc.want, bundle.waits)
		})
	}

	t.Run("end at once when Retry-After is over a minute, and the caller is told", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, busy(429, "61"))
		_, err := c.Publish(t.Context(), order)
		var failed *client.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 61*time.Second, failed.RetryAfter)
		require.ErrorIs(t, err, client.ErrUnavailable)
		require.Len(t, bundle.seen(), 1)
		require.Empty(t, bundle.waits)
	})

	t.Run("never overflow however many attempts", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, []client.Option{client.WithMaxAttempts(80)}, answer(503, ""))
		_, err := c.Publish(t.Context(), order)
		require.Error(t, err)
		require.Equal(t, 5*time.Second, bundle.waits[78])
	})
}

func TestContext(t *testing.T) {
	t.Parallel()

	t.Run("that ends during a pause leaves the last failure visible", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		stopped := func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
		c, bundle := setup(t, []client.Option{client.WithSleep(stopped)}, problem(503, "unavailable", "the store is away", ""))
		_, err := c.Publish(ctx, order)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, client.ErrUnavailable)
		require.ErrorContains(t, err, "the store is away")
		require.Len(t, bundle.seen(), 1)
	})

	t.Run("that ends during a request stops it and all further ones", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		c, bundle := setup(t, nil, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done() // until the client has hung up
		})
		_, err := c.Publish(ctx, order)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, bundle.waits)
	})

	t.Run("with a deadline in the past sends nothing", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
		_, err := c.Publish(ctx, order)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, bundle.seen())
	})

	t.Run("is told apart from a transport that fails by itself", func(t *testing.T) {
		t.Parallel()
		own := errors.New("proxy away")
		bundle := &testBundle{}
		c, err := client.New("http://posthaste.example", apiKey, client.WithSleep(bundle.noteWait),
			client.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, own })}))
		require.NoError(t, err)
		_, err = c.Publish(t.Context(), order)
		require.ErrorIs(t, err, own)
		require.ErrorIs(t, err, client.ErrUnavailable)
		require.Len(t, bundle.waits, 3)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
