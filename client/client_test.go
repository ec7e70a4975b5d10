package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

func TestNew(t *testing.T) {
	t.Parallel()

	refused := map[string]struct {
		url, key string
		opts     []client.Option
		says     string
	}{
		"refuses no URL":                 {"", apiKey, nil, "http:// or https://"},
		"refuses another scheme":         {"ftp://posthaste.example", apiKey, nil, "http:// or https://"},
		"refuses a URL without host":     {"http://:8080", apiKey, nil, "and a host"},
		"refuses a host without scheme":  {"posthaste.example:8080", apiKey, nil, "http:// or https://"},
		"refuses a URL that has a user":  {"http://me:pass@posthaste.example", apiKey, nil, "must not have a user"},
		"refuses a URL with a query":     {"http://posthaste.example?key=pass", apiKey, nil, "query"},
		"refuses a URL with a fragment":  {"http://posthaste.example#pass", apiKey, nil, "fragment"},
		"refuses a URL it cannot read":   {"http://me:pass@posthaste.example/%zz", apiKey, nil, "cannot be read"},
		"refuses a key with line break":  {"http://posthaste.example", apiKey + "\n", nil, "API key has a space"},
		"refuses a key with a space":     {"http://posthaste.example", "Bearer " + apiKey, nil, "API key has a space"},
		"refuses a key beyond ASCII":     {"http://posthaste.example", apiKey + "é", nil, "API key has a space"},
		"refuses to make no attempt":     {"http://posthaste.example", apiKey, []client.Option{client.WithMaxAttempts(0)}, "0 attempts"},
		"refuses fewer than no attempts": {"http://posthaste.example", apiKey, []client.Option{client.WithMaxAttempts(-1)}, "-1 attempts"},
	}
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(tc.url, tc.key, tc.opts...)
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), apiKey)
			require.NotContains(t, err.Error(), "pass")
			require.Nil(t, c)
		})
	}

	for _, tail := range []string{"", "/", "/hooks", "/hooks/"} {
		t.Run("finds the API below a URL ending in "+tail, func(t *testing.T) {
			t.Parallel()
			_, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
			c, err := client.New(bundle.url+tail, apiKey)
			require.NoError(t, err)
			_, err = c.Publish(t.Context(), order)
			require.NoError(t, err)
			require.Equal(t, "POST "+strings.TrimSuffix(tail, "/")+"/v1/events", bundle.seen()[0].path)
		})
	}

	t.Run("sends no authorisation without a key, and then hides nothing in errors", func(t *testing.T) {
		t.Parallel()
		_, bundle := setup(t, nil, answer(http.StatusAccepted, accepted), problem(404, "not_found", "no such road", ""))
		c, err := client.New(bundle.url, "")
		require.NoError(t, err)
		_, err = c.Publish(t.Context(), order)
		require.NoError(t, err)
		require.NotContains(t, bundle.seen()[0].header, "Authorization")
		_, err = c.Publish(t.Context(), order)
		require.EqualError(t, err, "posthaste: status 404 not_found: no such road")
	})
}

func TestHTTPClient(t *testing.T) {
	t.Parallel()

	t.Run("is the one given, which stays as it was", func(t *testing.T) {
		t.Parallel()
		used := 0
		given := &http.Client{Timeout: time.Minute, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			used++
			return http.DefaultTransport.RoundTrip(r)
		})}
		c, _ := setup(t, []client.Option{client.WithHTTPClient(given)}, answer(http.StatusAccepted, accepted))
		_, err := c.Publish(t.Context(), order)
		require.NoError(t, err)
		require.Equal(t, 1, used)
		require.Nil(t, given.CheckRedirect)
	})

	t.Run("may be nil", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, []client.Option{client.WithHTTPClient(nil)}, answer(http.StatusAccepted, accepted))
		_, err := c.Publish(t.Context(), order)
		require.NoError(t, err)
	})

	t.Run("never follows a redirect, which could make a lost event look published", func(t *testing.T) {
		t.Parallel()
		for _, status := range []int{301, 302, 303, 307, 308} {
			c, bundle := setup(t, nil, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", status)
			}, answer(http.StatusOK, accepted))
			_, err := c.Publish(t.Context(), order)
			require.ErrorContains(t, err, fmt.Sprint(status))
			require.Len(t, bundle.seen(), 1)
		}
	})
}

func TestClientHidesItsKey(t *testing.T) {
	t.Parallel()

	c, err := client.New("http://posthaste.example/hooks", apiKey)
	require.NoError(t, err)
	held := struct{ c *client.Client }{c}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		t.Run("from fmt with "+verb, func(t *testing.T) {
			t.Parallel()
			for _, value := range []any{c, *c, held, &held, []any{c, *c}} {
				printed := fmt.Sprintf(verb, value)
				require.NotContains(t, printed, apiKey)
				require.NotContains(t, printed, fmt.Sprintf("%x", apiKey))
			}
		})
	}

	t.Run("and says which server it is for", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "posthaste client for http://posthaste.example/hooks", fmt.Sprint(c))
	})
}
