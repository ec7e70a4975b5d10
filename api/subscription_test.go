package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

const subscriptionsPath = "/v1/subscriptions"

// fullSubscription sets everything that can be set.
const fullSubscription = `{
	"tenant":"acme", "name":"shop", "url":"https://example.com/Hook?a=1", "event_types":["order.*","user.created"],
	"headers":{"X-Plain":"plain","Authorization":"Bearer hunter2"}, "properties":{"shop":{"id":7}},
	"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "signature":"standard", "payload":"envelope",
	"timeout":"20s", "retry_schedule":["1s","90s","2h","1h30m0s"], "status":"disabled"}`

func TestCreateSubscription(t *testing.T) {
	t.Parallel()

	t.Run("answers everything that was set, with credentials redacted", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		a := h.do(http.MethodPost, subscriptionsPath, fullSubscription)
		got := a.is(http.StatusCreated)
		id := text(t, got["id"])
		require.JSONEq(t, `{
			"id":"`+id+`", "tenant":"acme", "name":"shop", "url":"https://example.com/Hook?a=1",
			"event_types":["order.*","user.created"],
			"headers":{"X-Plain":"plain","Authorization":"[redacted]"}, "forward_headers":["*"], "properties":{"shop":{"id":7}},
			"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "signature":"standard", "payload":"envelope",
			"timeout":"20s", "retry_schedule":["1s","1m30s","2h","1h30m"], "status":"disabled",
			"created_at":"2026-03-01T12:00:00.000Z", "updated_at":"2026-03-01T12:00:00.000Z",
			"links":{"self":"/v1/subscriptions/`+id+`","deliveries":"/v1/deliveries?subscription_id=`+id+`"}}`, a.body)
		require.Equal(t, "/v1/subscriptions/"+id, a.header.Get("Location"))
		stored, err := h.store.Subscription(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "Bearer hunter2", stored.Headers["Authorization"])
		require.NotContains(t, h.logs.String(), "hunter2")
	})

	t.Run("stores and shows the URL in the form in which it is called", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		body := `{"url":" HTTPS://BÜCHER.example.:443/a b\n","event_types":["*"],
			"auth":{"type":"oauth2","token_url":"\u00a0https://LOGIN.example/t ","client_id":"a","client_secret":"b"}}`
		got := h.do(http.MethodPost, subscriptionsPath, body).is(http.StatusCreated)
		require.Equal(t, "https://xn--bcher-kva.example/a%20b", got["url"])
		require.Equal(t, "https://login.example/t", got["auth"].(map[string]any)["token_url"])
		path := subscriptionsPath + "/" + text(t, got["id"])
		got = h.do(http.MethodPatch, path, `{"url":"http://EXAMPLE.com:80/?x=a b"}`).is(http.StatusOK)
		require.Equal(t, "http://example.com/?x=a%20b", got["url"])
		h.do(http.MethodPatch, path, `{"url":"http://a/\u0001"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "url")
	})

	t.Run("fills in the defaults, for null as well", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, body := range []string{`{` + goodSub + `}`, `{"tenant":null,"name":null,"headers":null,"properties":null,
			"secret":null,"signature":null,"payload":null,"timeout":null,"retry_schedule":null,"status":null,` + goodSub + `}`} {
			got := h.do(http.MethodPost, subscriptionsPath, body).is(http.StatusCreated)
			require.Equal(t, "default", got["tenant"])
			require.Equal(t, "15s", got["timeout"])
			require.Equal(t, "active", got["status"])
			require.Equal(t, "envelope", got["payload"])
			require.Equal(t, []any{"5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"}, got["retry_schedule"])
			require.Equal(t, map[string]any{}, got["headers"])
			require.Equal(t, map[string]any{}, got["properties"])
		}
	})

	t.Run("makes a secret of its own for each", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		first := text(t, h.do(http.MethodPost, subscriptionsPath, subscriptionBody).is(http.StatusCreated)["secret"])
		second := text(t, h.do(http.MethodPost, subscriptionsPath, subscriptionBody).is(http.StatusCreated)["secret"])
		require.NotEqual(t, first, second)
		_, err := webhook.ParseSecret(first)
		require.NoError(t, err)
	})
}

func TestSecretIsShownByItsOwnCallOnly(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	created := h.do(http.MethodPost, subscriptionsPath, subscriptionBody).is(http.StatusCreated)
	path, secret := subscriptionsPath+"/"+text(t, created["id"]), text(t, created["secret"])

	shown := h.get(path + "/secret")
	require.Equal(t, map[string]any{"secret": secret}, shown.is(http.StatusOK))
	require.Equal(t, "no-store", shown.header.Get("Cache-Control"))
	for _, a := range []*answer{
		h.get(path), h.get(subscriptionsPath), h.do(http.MethodPatch, path, `{"name":"new"}`),
	} {
		a.is(http.StatusOK)
		require.NotContains(t, a.body, "secret")
		require.NotContains(t, a.body, "whsec_")
	}
	require.NotContains(t, h.logs.String(), "whsec_")
}

func TestPatchSubscription(t *testing.T) {
	t.Parallel()

	type bundle struct {
		*harness
		path   string
		before *models.Subscription
	}
	setup := func(t *testing.T) *bundle {
		t.Helper()
		h := newHarness(t)
		id := text(t, h.do(http.MethodPost, subscriptionsPath, fullSubscription).is(http.StatusCreated)["id"])
		before, err := h.store.Subscription(t.Context(), id)
		require.NoError(t, err)
		return &bundle{harness: h, path: subscriptionsPath + "/" + id, before: before}
	}
	stored := func(t *testing.T, b *bundle) *models.Subscription {
		t.Helper()
		after, err := b.store.Subscription(t.Context(), b.before.ID)
		require.NoError(t, err)
		return after
	}

	t.Run("changes what is given and nothing else", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for body, change := range map[string]func(*models.Subscription){
			`{}`:                                nil,
			`{"name":""}`:                       func(s *models.Subscription) { s.Name = "" },
			`{"event_types":["*"]}`:             func(s *models.Subscription) { s.EventTypes = []string{"*"} },
			`{"properties":{"a":null}}`:         func(s *models.Subscription) { s.Properties = map[string]json.RawMessage{"a": json.RawMessage("null")} },
			`{"payload":"data","timeout":"1s"}`: func(s *models.Subscription) { s.Payload, s.Timeout = models.PayloadData, time.Second },
			`{"retry_schedule":["3s"]}`:         func(s *models.Subscription) { s.RetrySchedule = models.Schedule{3 * time.Second} },
			`{"status":"active"}`:               func(s *models.Subscription) { s.Status = models.SubscriptionActive },
		} {
			want := stored(t, b)
			if change != nil {
				change(want)
			}
			b.do(http.MethodPatch, b.path, body).is(http.StatusOK)
			after := stored(t, b)
			want.UpdatedAt = after.UpdatedAt
			require.Equal(t, want, after, body)
		}
	})

	t.Run("takes a change of letter case in the URL's path", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.do(http.MethodPatch, b.path, `{"url":"https://example.com/hook?a=1"}`).is(http.StatusOK)
		require.Equal(t, "https://example.com/hook?a=1", got["url"])
		require.Equal(t, "https://example.com/hook?a=1", stored(t, b).URL)
	})

	t.Run("null goes back to the default where there is one", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.do(http.MethodPatch, b.path, `{"headers":null,"properties":null,"retry_schedule":null}`).is(http.StatusOK)
		require.Empty(t, got["headers"])
		require.Empty(t, got["properties"])
		require.Len(t, got["retry_schedule"], len(models.DefaultSchedule()))
		require.Nil(t, stored(t, b).RetrySchedule)
	})

	t.Run("a redacted header that comes back keeps its value", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(http.MethodPatch, b.path, `{"headers":{"Authorization":"[redacted]","X-New":"[redacted]"}}`).is(http.StatusOK)
		require.Equal(t, map[string]string{"Authorization": "Bearer hunter2", "X-New": "[redacted]"}, stored(t, b).Headers)
		b.do(http.MethodPatch, b.path, `{"headers":{"X-Token":"[redacted]"}}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "headers.X-Token")
	})

	t.Run("keeps the secret", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(http.MethodPatch, b.path, `{"name":"new","url":"https://example.org/"}`).is(http.StatusOK)
		require.Equal(t, b.before.Secrets, stored(t, b).Secrets)
	})

	b := setup(t) // one for all: they change nothing
	for body, field := range map[string]string{
		`{"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}`: "secret",
		`{"secret":null}`:                "secret",
		`{"tenant":"acme"}`:              "tenant",
		`{"id":"sub_1"}`:                 "id",
		`{"name":"new","url":null}`:      "url",
		`{"name":"new","url":"ftp://x"}`: "url",
		`{"name":null}`:                  "name",
		`{"event_types":[]}`:             "event_types",
		`{"event_types":null}`:           "event_types",
		`{"timeout":null}`:               "timeout",
		`{"timeout":"0s"}`:               "timeout",
		`{"status":null}`:                "status",
		`{"status":""}`:                  "status",
		`{"signature":null}`:             "signature",
		`{"payload":null}`:               "payload",
		`{"retry_schedule":[]}`:          "retry_schedule",
	} {
		t.Run("refuses and changes nothing: "+body, func(t *testing.T) {
			t.Parallel()
			h := b.on(t)
			detail := h.do(http.MethodPatch, b.path, body).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
			if field == "secret" {
				require.Contains(t, detail, "PATCH")
			}
			require.Equal(t, b.before, stored(t, b))
		})
	}
}

func TestDeleteSubscription(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	path := subscriptionsPath + "/" + h.subscribe()
	a := h.do(http.MethodDelete, path, "")
	require.Equal(t, http.StatusNoContent, a.status)
	require.Empty(t, a.body)
	h.get(path).isProblem(http.StatusNotFound, models.CodeNotFound, "")
	h.do(http.MethodDelete, path, "").isProblem(http.StatusNotFound, models.CodeNotFound, "")
}

func TestListSubscriptions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := h.subscribe()
	second := text(t, h.do(http.MethodPost, subscriptionsPath, fullSubscription).is(http.StatusCreated)["id"])
	for query, want := range map[string][]string{
		"":                                {second, first},
		"?tenant=acme":                    {second},
		"?status=active":                  {first},
		"?status=active&tenant=acme":      nil,
		"?status=disabled&tenant=acme":    {second},
		"?limit=1":                        {second},
		"?tenant=" + models.DefaultTenant: {first},
	} {
		got, _ := h.listed(subscriptionsPath + query)
		require.Equal(t, want, got, query)
	}
}

func TestSubscriptionHeadersThatLookLikeCredentials(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for name, hidden := range map[string]bool{
		"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "X-Api-Key": true, "x-API-TOKEN": true,
		"X-Client-Secret": true, "My-Password": true, "X-Shop": false, "Accept": false,
	} {
		got := h.do(http.MethodPost, subscriptionsPath, `{"headers":{"`+name+`":"hunter2"},`+goodSub+`}`)
		got.is(http.StatusCreated)
		require.Equal(t, hidden, !strings.Contains(got.body, "hunter2"), name)
	}
}
