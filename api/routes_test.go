package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

// things are the prefixes of the ids in the paths, by their first parts.
var things = map[string]string{
	"events": models.EventPrefix, "subscriptions": models.SubscriptionPrefix, "deliveries": models.DeliveryPrefix,
	"recoveries": models.RecoveryPrefix, "sources": models.SourcePrefix, "keys": models.APIKeyPrefix, "erasures": models.ErasurePrefix,
}

// prefixOf is the prefix of the id in the path; empty: it has none.
func prefixOf(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) > 3 && parts[3] == ":id" {
		return things[parts[2]]
	}
	return ""
}

// with puts the id in its place in the path, and adds the query without which the route refuses all.
func with(path, id string) string {
	return strings.Replace(path, ":id", id, 1) + map[string]string{"/v1/search": "?q=order"}[path]
}

// requestBodies are the bodies of the calls that need one.
func requestBodies(subscriptionID string) map[string]string {
	return map[string]string{
		"POST /v1/events": eventBody, "POST /v1/events/batch": `{"events":[` + eventBody + `,{}]}`,
		"POST /v1/subscriptions": subscriptionBody, "PATCH /v1/subscriptions/:id": `{"name":"new"}`,
		"POST /v1/sources": `{` + goodSource + `}`, "PATCH /v1/sources/:id": `{"name":"new"}`,
		"PUT /v1/tenants/:tenant": `{"publish_rate":5}`,
		"POST /v1/keys":           `{"name":"one","scopes":["admin"]}`,
		"POST /v1/recoveries":     `{"subscription_id":"` + subscriptionID + `","since":"2000-01-01T00:00:00Z"}`,
	}
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
	for _, route := range api.Routes() {
		prefix := prefixOf(route.Path)
		if prefix == "" {
			continue
		}
		unknown := newID(prefix)
		for name, id := range map[string]string{
			"unknown": unknown, "malformed": "1", "of another kind": models.NewID("xyz_"),
			"in capitals": strings.ToUpper(unknown), "with a quote": "%27%22", "endless": strings.Repeat("x", 10_000),
		} {
			t.Run(route.Method+" "+route.Path+" with an id that is "+name, func(t *testing.T) {
				t.Parallel()
				h := h.on(t)
				body := "" // comes second: whose key it is depends on the resource
				if route.Method != http.MethodGet {
					body = "no JSON"
				}
				h.do(route.Method, with(route.Path, id), body).isProblem(http.StatusNotFound, models.CodeNotFound, "")
			})
		}
	}
}

// Every answer of the harness is compared with the route table; here each line of it has at least one.
func TestEveryRouteAnswers(t *testing.T) {
	t.Parallel()
	for _, route := range api.Routes() {
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.control.runs, h.control.history = []models.Run{{ID: firstRun, Status: "Running"}}, []byte("{}")
			d := h.closed(models.DeliveryExhausted)
			ids := map[string]string{
				models.EventPrefix: d.EventID, models.SubscriptionPrefix: d.SubscriptionID, models.DeliveryPrefix: d.ID,
				models.SourcePrefix: h.source(`{` + goodSource + `}`), models.APIKeyPrefix: h.key("").ID,
			}
			if prefixOf(route.Path) == models.ErasurePrefix {
				ids[models.ErasurePrefix] = text(t, h.do(http.MethodDelete, "/v1/tenants/other", "").is(http.StatusAccepted)["id"])
			}
			if prefixOf(route.Path) == models.RecoveryPrefix || route.Path == recoveriesPath && route.Method == http.MethodGet {
				ids[models.RecoveryPrefix] = text(t, h.recover(d.SubscriptionID, "").is(http.StatusAccepted)["id"])
			}
			path := strings.Replace(with(route.Path, ids[prefixOf(route.Path)]), ":tenant", models.DefaultTenant, 1)
			switch {
			case strings.HasSuffix(path, "/public-key"):
				path, _, _ = h.subscribed(models.SignatureEd25519)
				path += "/public-key"
			case strings.HasPrefix(path, "/v1/workflows/"):
				path += "?workflow_id=event/evt_1&run_id=" + firstRun
			}
			a := h.do(route.Method, path, requestBodies(d.SubscriptionID)[route.Method+" "+route.Path])
			require.Equal(t, 2, a.status/100, a.body)
		})
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
		for _, route := range api.Routes() {
			require.Equal(t, !strings.HasSuffix(route.Path, "z"), route.Keyed, route.Path)
			if route.Keyed {
				h.do(route.Method, route.Path, "", "Authorization", "").isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
			}
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
	bodies := requestBodies(models.NewID(models.SubscriptionPrefix))
	for _, route := range api.Routes() {
		if !route.Keyed || slices.Contains(withoutStore, route.Path) {
			continue
		}
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			t.Parallel()
			path := strings.Replace(with(route.Path, newID(prefixOf(route.Path))), ":tenant", models.DefaultTenant, 1)
			a := h.on(t).do(route.Method, path, bodies[route.Method+" "+route.Path])
			detail := a.isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
			require.Equal(t, "the database does not answer; try again", detail)
		})
	}
}

// withoutStore are the paths that do without the store.
var withoutStore = []string{"/v1/workflows", "/v1/workflows/history", "/v1/providers", "/metrics"}

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

// A body without one of the fields that the table calls required is refused, and the refusal names the field. With these
// fields alone it is taken.
func TestRequiredFields(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	bodies := requestBodies(h.subscribe())
	for _, route := range api.Routes() {
		if len(route.Required) == 0 {
			continue
		}
		var whole map[string]any
		require.NoError(t, json.Unmarshal([]byte(bodies[route.Method+" "+route.Path]), &whole))
		maps.DeleteFunc(whole, func(name string, _ any) bool { return !slices.Contains(route.Required, name) })
		if route.ID == "createSource" {
			whole["provider"] = "asana" // whose sources need no credentials
		}
		send := func() *answer { return h.do(route.Method, route.Path, encoded(t, whole)) }
		for name, value := range maps.Clone(whole) {
			delete(whole, name)
			send().isProblem(http.StatusBadRequest, models.CodeInvalid, name)
			whole[name] = value
		}
		require.Len(t, whole, len(route.Required), route.ID)
		require.Equal(t, 2, send().status/100, route.ID)
	}
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}
