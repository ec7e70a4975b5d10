package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

type call struct{ method, path, prefix string }

// routesWithID are all the calls about one thing.
var routesWithID = []call{
	{http.MethodGet, "/v1/events/ID", models.EventPrefix},
	{http.MethodPost, "/v1/events/ID/cancel", models.EventPrefix},
	{http.MethodPost, "/v1/events/ID/redeliver", models.EventPrefix},
	{http.MethodGet, "/v1/subscriptions/ID", models.SubscriptionPrefix},
	{http.MethodGet, "/v1/subscriptions/ID/secret", models.SubscriptionPrefix},
	{http.MethodPatch, "/v1/subscriptions/ID", models.SubscriptionPrefix},
	{http.MethodDelete, "/v1/subscriptions/ID", models.SubscriptionPrefix},
	{http.MethodPost, "/v1/subscriptions/ID/rotate-secret", models.SubscriptionPrefix},
	{http.MethodPost, "/v1/subscriptions/ID/pause", models.SubscriptionPrefix},
	{http.MethodPost, "/v1/subscriptions/ID/resume", models.SubscriptionPrefix},
	{http.MethodPost, "/v1/subscriptions/ID/cancel", models.SubscriptionPrefix},
	{http.MethodGet, "/v1/deliveries/ID", models.DeliveryPrefix},
	{http.MethodGet, "/v1/deliveries/ID/attempts", models.DeliveryPrefix},
	{http.MethodGet, "/v1/deliveries/ID/runs", models.DeliveryPrefix},
	{http.MethodGet, "/v1/deliveries/ID/history", models.DeliveryPrefix},
	{http.MethodPost, "/v1/deliveries/ID/cancel", models.DeliveryPrefix},
	{http.MethodPost, "/v1/deliveries/ID/redeliver", models.DeliveryPrefix},
	{http.MethodGet, "/v1/sources/ID", models.SourcePrefix},
	{http.MethodPatch, "/v1/sources/ID", models.SourcePrefix},
	{http.MethodDelete, "/v1/sources/ID", models.SourcePrefix},
	{http.MethodGet, "/v1/recoveries/ID", models.RecoveryPrefix},
	{http.MethodPost, "/v1/recoveries/ID/cancel", models.RecoveryPrefix},
}

// routesWithoutID are the rest, but for the probes.
var routesWithoutID = []call{
	{http.MethodPost, "/v1/events", ""},
	{http.MethodPost, "/v1/events/batch", ""},
	{http.MethodGet, "/v1/events", ""},
	{http.MethodPost, "/v1/subscriptions", ""},
	{http.MethodGet, "/v1/subscriptions", ""},
	{http.MethodGet, "/v1/deliveries", ""},
	{http.MethodPost, "/v1/recoveries", ""},
	{http.MethodGet, "/v1/recoveries", ""},
	{http.MethodGet, "/v1/audit", ""},
	{http.MethodPost, "/v1/sources", ""},
	{http.MethodGet, "/v1/sources", ""},
}

// routesOfTemporal are the calls that ask Temporal alone.
var routesOfTemporal = []call{
	{http.MethodGet, "/v1/workflows", ""},
	{http.MethodGet, "/v1/workflows/history", ""},
}

// newID makes an id that names nothing.
func newID(prefix string) string {
	if prefix == models.SourcePrefix {
		return models.NewSourceID()
	}
	return models.NewID(prefix)
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	t.Cleanup(func() { // after all subtests
		require.Empty(t, h.control.asked)
		require.Empty(t, h.control.jobs)
	})
	for _, route := range routesWithID {
		unknown := newID(route.prefix)
		for name, id := range map[string]string{
			"unknown": unknown, "malformed": "1", "of another kind": models.NewID("xyz_"),
			"in capitals": strings.ToUpper(unknown), "with a quote": "%27%22", "endless": strings.Repeat("x", 10_000),
		} {
			t.Run(route.method+" "+route.path+" with an id that is "+name, func(t *testing.T) {
				t.Parallel()
				h := h.on(t)
				body := ""
				if route.method == http.MethodPatch {
					body = "{}"
				}
				h.do(route.method, strings.Replace(route.path, "ID", id, 1), body).
					isProblem(http.StatusNotFound, models.CodeNotFound, "")
			})
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()

	t.Run("all but the probes and the paths of sources need the key", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, path := range []string{"/healthz", "/readyz"} {
			h.do(http.MethodGet, path, "", "Authorization", "").is(http.StatusOK)
		}
		for _, route := range slices.Concat(routesWithID, routesWithoutID, routesOfTemporal, []call{{http.MethodGet, "/v1/providers", ""}}) {
			h.do(route.method, route.path, "", "Authorization", "").
				isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		}
	})

	t.Run("none needs a key where there is none", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.APIKey = "" })
		h.do(http.MethodPost, "/v1/events", eventBody, "Authorization", "").is(http.StatusAccepted)
		h.do(http.MethodPost, "/v1/events", eventBody, "Authorization", "Bearer x").is(http.StatusAccepted)
	})

	t.Run("without a key only requests that name this machine are answered", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.APIKey = "" })
		for _, host := range []string{"localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"} {
			h.do(http.MethodGet, "/v1/events", "", "Host", host).is(http.StatusOK)
		}
		for _, host := range []string{"", "evil.example", "evil.example:8080", "10.0.0.1", "127.0.0.1.evil.example", "localhost.evil.example"} {
			h.do(http.MethodGet, "/v1/events", "", "Host", host).isProblem(http.StatusMisdirectedRequest, "misdirected_request", "")
		}
		newHarness(t).do(http.MethodGet, "/v1/events", "", "Host", "api.example").is(http.StatusOK)
	})

	t.Run("links lead to the Web UI only where it is known", func(t *testing.T) {
		t.Parallel()
		for _, option := range []func(*api.Deps){
			func(d *api.Deps) { d.UIURL = "" }, func(d *api.Deps) { d.Namespace = "" },
		} {
			require.NotContains(t, newHarness(t, option).do(http.MethodPost, "/v1/events", eventBody).body, "workflow")
		}
	})

	t.Run("unknown paths are problems, with and without a slash too many", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, path := range []string{"/", "/v1", "/v1/events/", "/v2/events", "/V1/events", "//v1/events", "/v1/events/a/b"} {
			h.get(path).isProblem(http.StatusNotFound, models.CodeNotFound, "")
		}
	})

	t.Run("a wrong method is a problem that says which are right", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		a := h.do(http.MethodPut, "/v1/subscriptions/sub_1", "{}")
		require.Contains(t, a.isProblem(http.StatusMethodNotAllowed, "method_not_allowed", ""), "PUT")
		require.ElementsMatch(t, []string{"GET", "HEAD", "PATCH", "DELETE"}, strings.Split(a.header.Get("Allow"), ", "))
	})

	t.Run("what answers GET answers HEAD", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		server := httptest.NewServer(h.handler)
		defer server.Close()
		response, err := server.Client().Head(server.URL + "/readyz")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	})
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	require.NoError(t, h.store.Close())
	t.Cleanup(func() { require.Empty(t, h.dispatcher.ids()) }) // after all subtests
	bodies := map[string]string{
		"POST /v1/events": eventBody, "POST /v1/events/batch": `{"events":[` + eventBody + `]}`,
		"POST /v1/subscriptions": subscriptionBody, "PATCH /v1/subscriptions/ID": `{"name":"new"}`,
		"POST /v1/sources": `{` + goodSource + `}`, "PATCH /v1/sources/ID": `{"name":"new"}`,
		"POST /v1/recoveries": `{"subscription_id":"` + models.NewID(models.SubscriptionPrefix) + `","since":"2000-01-01T00:00:00Z"}`,
	}
	for _, route := range slices.Concat(routesWithID, routesWithoutID) {
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			t.Parallel()
			path := strings.Replace(route.path, "ID", newID(route.prefix), 1)
			a := h.on(t).do(route.method, path, bodies[route.method+" "+route.path])
			detail := a.isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
			require.Equal(t, "the database does not answer; try again", detail)
		})
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()

	t.Run("alive says the version", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.engine.err = errors.New("refused")
		require.Equal(t, map[string]any{"status": "ok", "version": "1.2.3"}, h.get("/healthz").is(http.StatusOK))
	})

	t.Run("ready when store and Temporal are", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, map[string]any{
			"status": "ready", "version": "1.2.3", "store": "ready", "temporal": "ready", "disk": "ready",
		}, newHarness(t).get("/readyz").is(http.StatusOK))
	})

	t.Run("ready without Temporal, since events are accepted", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.engine.err = errors.New("dial 10.1.2.3: refused")
		answer := h.get("/readyz")
		require.Equal(t, "away", answer.is(http.StatusOK)["temporal"])
		require.NotContains(t, answer.body, "10.1.2.3")
		h.do(http.MethodPost, "/v1/events", eventBody).is(http.StatusAccepted)
	})

	t.Run("not ready without the store", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		require.NoError(t, h.store.Close())
		h.engine.err = errors.New("dial 10.1.2.3: refused")
		answer := h.get("/readyz")
		detail := answer.isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		require.Equal(t, "not ready: the database does not answer; try again", detail)
		require.Equal(t, "away", answer.object()["store"])
		require.Equal(t, "away", answer.object()["temporal"])
		require.Equal(t, "ready", answer.object()["disk"])
		require.Contains(t, h.logs.String(), "10.1.2.3")
	})

	t.Run("not ready with a store that can only be read, or is full", func(t *testing.T) {
		t.Parallel()
		for state, disk := range map[models.Health]string{models.HealthReadOnly: "ready", models.HealthFull: "full"} {
			answer := newHarness(t, func(d *api.Deps) { d.Store = &ailing{Store: d.Store, state: state} }).get("/readyz")
			detail := answer.isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
			require.Equal(t, "not ready: the database is "+string(state), detail)
			require.Equal(t, string(state), answer.object()["store"])
			require.Equal(t, disk, answer.object()["disk"])
		}
	})

	t.Run("asking often asks the store once", func(t *testing.T) {
		t.Parallel()
		store := &ailing{state: models.HealthReadOnly}
		h := newHarness(t, func(d *api.Deps) { store.Store, d.Store = d.Store, store })
		for range 100 {
			h.get("/readyz")
		}
		require.Less(t, store.asked, 10, "once a second")
	})
}

// ailing is a store in bad health.
type ailing struct {
	api.Store
	state models.Health
	asked int
}

func (a *ailing) Health(context.Context) (models.Health, error) {
	a.asked++
	return a.state, models.Errorf(models.CodeUnavailable, "the database is %s", a.state)
}
