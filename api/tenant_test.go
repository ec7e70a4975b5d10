package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestTenants(t *testing.T) {
	t.Parallel()

	t.Run("settings are replaced, shown and audited", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		const path = "/v1/tenants/acme"
		require.NotContains(t, h.get(path).is(http.StatusOK), "updated_at", "it needs no settings to exist")
		got := h.do(http.MethodPut, path, `{"delivery_mode":"inline","max_subscriptions":2,"publish_rate":3}`).is(http.StatusOK)
		require.Equal(t, "inline", got["delivery_mode"])
		require.Equal(t, got, h.get(path).is(http.StatusOK))
		got = h.do(http.MethodPut, path, `{"retention":"2160h","payload_retention":"0s"}`).is(http.StatusOK)
		require.Equal(t, []any{"2160h", "0s"}, []any{got["retention"], got["payload_retention"]})
		got = h.do(http.MethodPut, path, `{"publish_rate":3}`).is(http.StatusOK)
		require.Equal(t, []any{"2160h", "0s"}, []any{got["retention"], got["payload_retention"]}, "a caller that does not know of them changes nothing")
		h.do(http.MethodPut, path, `{"payload_retention":"2161h"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "payload_retention")
		got = h.do(http.MethodPut, path, `{"publish_rate":3,"retention":null}`).is(http.StatusOK)
		require.NotContains(t, got, "retention")
		require.Equal(t, "0s", got["payload_retention"])
		require.NotContains(t, got, "delivery_mode")
		require.NotContains(t, got, "max_subscriptions")
		require.Len(t, h.get("/v1/audit?tenant=acme&action=tenant.update").is(http.StatusOK)["data"], 4)
	})

	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for body, field := range map[string]string{
			`{"delivery_mode":"fast"}`: "delivery_mode", `{"max_subscriptions":-1}`: "max_subscriptions", `{"publish_rate":-1}`: "publish_rate",
			`{"retries":1}`: "retries", `{"retention":"59m"}`: "retention", `{"retention":720}`: "retention", `{"payload_retention":"-1h"}`: "payload_retention",
			`{"retention":"24h","payload_retention":"25h"}`: "payload_retention",
		} {
			h.do(http.MethodPut, "/v1/tenants/acme", body).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
		h.do(http.MethodPut, "/v1/tenants/%20", `{}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
		h.get("/v1/tenants/%20").isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
		require.Empty(t, h.get("/v1/tenants").is(http.StatusOK)["data"])
	})

	t.Run("all that are known are listed by name, with how much there is of them", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPut, "/v1/tenants/configured", `{}`).is(http.StatusOK)
		h.do(http.MethodPost, "/v1/subscriptions", strings.Replace(subscriptionBody, "{", `{"tenant":"subscribed",`, 1)).is(http.StatusCreated)
		for range 2 {
			h.do(http.MethodPost, "/v1/events", strings.Replace(eventBody, "{", `{"tenant":"published",`, 1)).is(http.StatusAccepted)
		}
		h.deliver()
		var names []string
		cursor, counts := "", map[string][3]float64{}
		for {
			page := h.get("/v1/tenants?limit=3" + cursor).is(http.StatusOK)
			for _, item := range page["data"].([]any) {
				tenant := item.(map[string]any)
				names = append(names, text(t, tenant["tenant"]))
				of := func(what string) float64 { return tenant[what].(map[string]any)["count"].(float64) }
				counts[names[len(names)-1]] = [3]float64{of("subscriptions"), of("events"), of("outstanding")}
			}
			next, more := page["next_cursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		require.Equal(t, []string{"configured", "default", "published", "subscribed"}, names)
		require.Equal(t, map[string][3]float64{"configured": {}, "default": {1, 1, 1}, "published": {0, 2, 0}, "subscribed": {1, 0, 0}}, counts)
		h.get("/v1/tenants?cursor=%21").isProblem(http.StatusBadRequest, models.CodeInvalid, "cursor")
	})

	t.Run("a tenant has no more subscriptions than it may have", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPut, "/v1/tenants/default", `{"max_subscriptions":1}`).is(http.StatusOK)
		id := h.subscribe()
		h.do(http.MethodPost, "/v1/subscriptions", subscriptionBody).isProblem(http.StatusConflict, models.CodeConflict, "")
		h.do(http.MethodPost, "/v1/subscriptions", strings.Replace(subscriptionBody, "{", `{"tenant":"other",`, 1)).is(http.StatusCreated)
		require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, "/v1/subscriptions/"+id, "").status)
		h.subscribe()
	})

	t.Run("a tenant that publishes too fast is told so, event by event", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPut, "/v1/tenants/default", `{"publish_rate":2}`).is(http.StatusOK)
		a := h.do(http.MethodPost, "/v1/events/batch", `{"events":[`+eventBody+`,`+eventBody+`,`+eventBody+`,{"tenant":"other","type":"a","data":1}]}`)
		results := a.object()["results"].([]any)
		for i, accepted := range []bool{true, true, false, true} {
			require.Equal(t, accepted, results[i].(map[string]any)["id"] != nil, a.body)
		}
		require.Contains(t, a.body, `"code":"busy"`)
		refused := h.do(http.MethodPost, "/v1/events", eventBody)
		refused.isProblem(http.StatusTooManyRequests, models.CodeBusy, "")
		require.Equal(t, "1", refused.header.Get("Retry-After"))
		require.Len(t, h.dispatcher.ids(), 3)

		h.do(http.MethodPut, "/v1/tenants/default", `{}`).is(http.StatusOK) // in force at once in this process
		for range 5 {
			h.do(http.MethodPost, "/v1/events", eventBody).is(http.StatusAccepted)
		}
	})
}
