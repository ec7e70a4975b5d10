package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

const keysPath = "/v1/keys"

// key makes a key for a tenant, or for all. Without scopes it holds as many as it can.
func (h *harness) key(tenant string, scopes ...models.Scope) client.APIKey {
	h.t.Helper()
	if scopes == nil {
		isAdmin := func(scope models.Scope) bool { return scope == models.ScopeAdmin && tenant != "" }
		scopes = slices.DeleteFunc(models.Scopes(), isAdmin)
	}
	body, err := json.Marshal(map[string]any{"name": "of " + tenant, "scopes": scopes, "tenant": tenant})
	require.NoError(h.t, err)
	a := h.do(http.MethodPost, keysPath, string(body))
	require.Equal(h.t, http.StatusCreated, a.status, a.body)
	var made client.APIKey
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &made))
	return made
}

// as are the headers of a request with the key.
func as(key client.APIKey) []string { return []string{"Authorization", "Bearer " + key.Key} }

// target is the path of a route with things that nobody has, and a body that the route reads.
func target(route api.Route) (path, body string) {
	path = strings.Replace(with(route.Path, newID(prefixOf(route.Path))), ":tenant", models.DefaultTenant, 1)
	return path, requestBodies(models.NewID(models.SubscriptionPrefix))[route.Method+" "+route.Path]
}

func TestEveryRouteNeedsItsScope(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, route := range api.Routes() {
		if !route.Keyed {
			continue
		}
		require.Contains(t, models.Scopes(), route.Scope, route.Path)
		path, body := target(route)
		for _, scope := range models.Scopes() {
			a := h.do(route.Method, path, body, as(h.key("", scope))...)
			if scope == route.Scope {
				require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.status, "%s %s: %s", route.Method, route.Path, a.body)
				continue
			}
			detail := a.isProblem(http.StatusForbidden, "forbidden", "")
			require.Contains(t, detail, route.Scope)
			t.Logf("%s %s with %s alone: %d %s", route.Method, route.Path, scope, a.status, detail)
		}
	}
}

// TestNothingOfAnotherTenantExists walks the route table with the key of one tenant and the ids of another.
func TestNothingOfAnotherTenantExists(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
	h.control.runs, h.control.history = []models.Run{{ID: firstRun, Status: "Running"}}, []byte("{}")
	d := h.closed(models.DeliveryExhausted) // of the default tenant
	theirs := map[string]string{
		models.EventPrefix: d.EventID, models.SubscriptionPrefix: d.SubscriptionID, models.DeliveryPrefix: d.ID,
		models.SourcePrefix:   h.source(`{` + goodSource + `}`),
		models.RecoveryPrefix: text(t, h.recover(d.SubscriptionID, "").is(http.StatusAccepted)["id"]),
	}
	asked, jobs := len(h.control.asked), len(h.control.jobs)
	ours := as(h.key("ours"))
	for _, route := range api.Routes() {
		if !route.Keyed || route.Scope == models.ScopeAdmin {
			continue
		}
		name, body := route.Method+" "+route.Path, requestBodies(d.SubscriptionID)[route.Method+" "+route.Path]
		switch prefix := prefixOf(route.Path); {
		case route.AllOnly:
			h.do(route.Method, route.Path, "", ours...).isProblem(http.StatusForbidden, "forbidden", "")
		case prefix != "":
			unknown := newID(prefix)
			want := h.do(route.Method, with(route.Path, unknown), body, ours...)
			want.isProblem(http.StatusNotFound, models.CodeNotFound, "")
			got := h.do(route.Method, with(route.Path, theirs[prefix]), body, ours...)
			got.isProblem(http.StatusNotFound, models.CodeNotFound, "")
			require.Equal(t, strings.ReplaceAll(want.body, unknown, "ID"), strings.ReplaceAll(got.body, theirs[prefix], "ID"), name)
			t.Logf("%s of another tenant: %d, as with a made-up id", name, got.status)
		case strings.Contains(route.Path, ":tenant"):
			h.do(route.Method, strings.Replace(route.Path, ":tenant", models.DefaultTenant, 1), body, ours...).
				isProblem(http.StatusNotFound, models.CodeNotFound, "")
		case route.Path == recoveriesPath && route.Method == http.MethodPost:
			h.do(route.Method, route.Path, body, ours...).isProblem(http.StatusNotFound, models.CodeNotFound, "")
		case route.Path == "/v1/events/batch":
			a := h.do(route.Method, route.Path, strings.ReplaceAll(body, `{"type"`, `{"tenant":"default","type"`), ours...)
			require.Contains(t, a.body, `"field":"tenant"`)
		case route.Method == http.MethodPost:
			other := strings.Replace(body, "{", `{"tenant":"default",`, 1)
			h.do(route.Method, route.Path, other, ours...).isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
			created := h.do(route.Method, route.Path, body, ours...).object()
			require.Equal(t, "ours", created["tenant"], name)
		case route.Path != "/v1/providers":
			path := route.Path + "?"
			if route.Path == "/v1/search" {
				path += "q=" + d.EventID + "&"
			}
			got := h.do(route.Method, path, "", ours...)
			require.Equal(t, http.StatusOK, got.status, got.body)
			require.NotContains(t, got.body, `"tenant":"default"`, name)
			h.do(route.Method, path+"tenant=default", "", ours...).isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
			require.Equal(t, got.body, h.do(route.Method, path+"tenant=ours", "", ours...).body, name)
		}
	}
	require.Len(t, h.control.asked, asked)
	require.Len(t, h.control.jobs, jobs)
	left, err := h.store.Subscription(t.Context(), d.SubscriptionID)
	require.NoError(t, err)
	require.Equal(t, models.SubscriptionActive, left.Status)
}

func TestPayloadsNeedAScopeOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
		DeliveryID: d.ID, Number: 1, StartedAt: d.CreatedAt, URL: "https://example.com/hook", RequestHeaders: http.Header{"A": {"b"}},
		Exchange: models.Exchange{Status: http.StatusTeapot, Header: http.Header{"C": {"d"}}, Body: []byte("short and stout")},
	}, models.DeliveryOutcome{Status: models.DeliveryExhausted}))
	attempts, event := "/v1/deliveries/"+d.ID+"/attempts", "/v1/events/"+d.EventID

	blind := as(h.key("", models.ScopeReadEvents))
	require.NotContains(t, h.do(http.MethodGet, event, "", blind...).is(http.StatusOK), "data")
	var shown client.Page[client.Attempt]
	require.NoError(t, json.Unmarshal([]byte(h.do(http.MethodGet, attempts, "", blind...).body), &shown))
	require.NotEmpty(t, shown.Data)
	for _, attempt := range shown.Data {
		require.Empty(t, attempt.Request.Body)
		require.NotEmpty(t, attempt.Request.Headers)
		for name, values := range attempt.Request.Headers {
			require.Empty(t, values, name)
		}
		require.Empty(t, attempt.Response.Body)
	}

	reader := as(h.key("", models.ScopeReadEvents, models.ScopeReadPayloads))
	require.Contains(t, h.do(http.MethodGet, event, "", reader...).is(http.StatusOK), "data")
	require.Equal(t, h.get(attempts).body, h.do(http.MethodGet, attempts, "", reader...).body)
}

func TestKeys(t *testing.T) {
	t.Parallel()

	t.Run("a key is shown once, and kept as a hash", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		made := h.key("acme", models.ScopePublish)
		require.True(t, strings.HasPrefix(made.Key, made.Prefix), made.Key)
		require.True(t, models.LooksLikeAPIKey(made.Key))
		for _, path := range []string{keysPath, keysPath + "/" + made.ID, keysPath + "?tenant=acme", "/v1/audit"} {
			a := h.get(path)
			require.Contains(t, a.body, made.ID)
			require.NotContains(t, a.body, made.Key)
			require.NotContains(t, a.body, models.HashAPIKey(made.Key))
		}
		require.NotContains(t, h.logs.String(), made.Key)
		require.NotContains(t, h.get(keysPath+"?tenant=other").body, made.ID)
	})

	t.Run("a revoked key opens nothing on the next call, in any process", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		other := newHarness(t, func(d *api.Deps) { d.Store = h.store })
		made := h.key("", models.ScopeReadEvents)
		other.do(http.MethodGet, "/v1/events", "", as(made)...).is(http.StatusOK)
		for range 2 { // and the second time changes nothing
			require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, keysPath+"/"+made.ID, "").status)
			a := other.do(http.MethodGet, "/v1/events", "", as(made)...)
			a.isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
		}
		require.Len(t, h.get("/v1/audit?action=key.revoke&subject=" + made.ID).is(http.StatusOK)["data"], 1)
		require.NotEmpty(t, h.get(keysPath + "/" + made.ID).is(http.StatusOK)["revoked_at"])
	})

	t.Run("a key opens nothing from its end on", func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
		end := now.Add(time.Hour).UTC().Truncate(time.Millisecond)
		body := fmt.Sprintf(`{"name":"short","scopes":["events:read"],"expires_at":%q}`, end.Format(time.RFC3339Nano))
		key := client.APIKey{Key: text(t, h.do(http.MethodPost, keysPath, body).is(http.StatusCreated)["key"])}
		now = end.Add(-time.Microsecond)
		h.do(http.MethodGet, "/v1/events", "", as(key)...).is(http.StatusOK)
		now = end
		h.do(http.MethodGet, "/v1/events", "", as(key)...).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
	})

	t.Run("the last use is written once a minute", func(t *testing.T) {
		t.Parallel()
		start := time.Now().UTC().Truncate(time.Millisecond)
		now := start
		h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
		made := h.key("", models.ScopeReadEvents)
		lastUse := func() time.Time {
			h.do(http.MethodGet, "/v1/events", "", as(made)...).is(http.StatusOK)
			key, err := h.store.APIKey(t.Context(), made.ID)
			require.NoError(t, err)
			return key.LastUsedAt
		}
		require.Equal(t, start, lastUse())
		now = start.Add(time.Minute - time.Millisecond)
		require.Equal(t, start, lastUse())
		now = start.Add(time.Minute)
		require.Equal(t, now, lastUse())
	})

	t.Run("nobody gives away more than they have", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		admin := as(h.key("", models.ScopeAdmin, models.ScopePublish))
		h.do(http.MethodPost, keysPath, `{"name":"n","scopes":["publish"]}`, admin...).is(http.StatusCreated)
		detail := h.do(http.MethodPost, keysPath, `{"name":"n","scopes":["publish","audit:read"]}`, admin...).
			isProblem(http.StatusForbidden, "forbidden", "")
		require.Contains(t, detail, "audit:read")
	})

	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for body, field := range map[string]string{
			`{"scopes":["publish"]}`:                                             "name",
			`{"name":"n"}`:                                                       "scopes",
			`{"name":"n","scopes":[]}`:                                           "scopes",
			`{"name":"n","scopes":["everything"]}`:                               "scopes",
			`{"name":"n","scopes":["publish","publish"]}`:                        "scopes",
			`{"name":"n","scopes":["admin"],"tenant":"a"}`:                       "scopes",
			`{"name":"n","scopes":["publish"],"tenant":" "}`:                     "tenant",
			`{"name":"` + strings.Repeat("n", 101) + `","scopes":["publish"]}`:   "name",
			`{"name":"n","scopes":["publish"],"expires_at":"2000-01-01T0:0:0Z"}`: "expires_at",
		} {
			h.do(http.MethodPost, keysPath, body).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
		require.Empty(t, h.get(keysPath).is(http.StatusOK)["data"])
	})

	t.Run("the audit names the key, whatever name the caller gives", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		made := h.key("acme")
		sub := h.do(http.MethodPost, "/v1/subscriptions", subscriptionBody, as(made)...).is(http.StatusCreated)
		path := "/v1/subscriptions/" + text(t, sub["id"])
		h.do(http.MethodGet, path+"/secret", "", append(as(made), "Posthaste-Actor", "root")...).is(http.StatusOK)
		h.do(http.MethodPost, path+"/pause", "", "Posthaste-Actor", "jo").is(http.StatusOK)
		var told []string
		for _, entry := range h.get("/v1/audit?tenant=acme").is(http.StatusOK)["data"].([]any) {
			e := entry.(map[string]any)
			told = append(told, fmt.Sprint(e["action"], " ", e["by"], " ", e["key"]))
		}
		require.Equal(t, []string{
			"subscription.pause jo root", "secret.reveal root " + made.ID, "subscription.create of acme " + made.ID, "key.create api root",
		}, told)
		require.Len(t, h.get("/v1/audit?key=" + made.ID).is(http.StatusOK)["data"], 2)
		require.Len(t, h.get("/v1/audit?key=root").is(http.StatusOK)["data"], 2)
	})

	t.Run("a key counts also where none is needed", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.APIKey = "" })
		made := h.key("", models.ScopePublish)
		h.do(http.MethodGet, "/v1/events", "", as(made)...).isProblem(http.StatusForbidden, "forbidden", "")
	})

	t.Run("wrong keys do not fill the log", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for i := range 1000 {
			_, secret := models.NewAPIKey(models.APIKey{}, time.Now())
			h.do(http.MethodGet, "/v1/events", "", "Authorization", "Bearer "+[]string{secret, "x"}[i%2]).
				isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		}
		for line := range strings.Lines(h.logs.String()) {
			require.Contains(t, line, `"level":"DEBUG"`)
		}
	})
}

// TestWrongKeysAreQuiet sends a thousand wrong keys at once, and a right one among them.
func TestWrongKeysAreQuiet(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	right := h.key("acme", models.ScopePublish)
	const wrong = 1000
	before := h.logs.String()
	statuses := make([]int, wrong+1)
	var asking sync.WaitGroup
	for i := range statuses {
		_, token := models.NewAPIKey(models.APIKey{}, time.Now())
		if i == wrong/2 {
			token = right.Key
		}
		asking.Go(func() {
			statuses[i] = h.do(http.MethodPost, "/v1/events", `{"type":"a","data":1}`, "Authorization", "Bearer "+token).status
		})
	}
	asking.Wait()
	for i, status := range statuses {
		require.Equal(t, map[bool]int{true: http.StatusAccepted, false: http.StatusUnauthorized}[i == wrong/2], status)
	}
	for line := range strings.Lines(strings.TrimPrefix(h.logs.String(), before)) {
		require.Contains(t, line, `"level":"DEBUG"`)
		require.NotContains(t, line, right.Key)
	}

	require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, keysPath+"/"+right.ID, "").status)
	h.do(http.MethodPost, "/v1/events", `{"type":"a","data":1}`, as(right)...).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
}
