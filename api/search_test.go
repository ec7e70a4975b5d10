package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// found are the hits of a search.
func (h *harness) found(text string, headers ...string) []client.SearchHit {
	h.t.Helper()
	a := h.do(http.MethodGet, "/v1/search?q="+url.QueryEscape(text), "", headers...)
	a.is(http.StatusOK)
	var page client.Page[client.SearchHit]
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &page))
	return page.Data
}

func TestSearch(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	source := h.source(`{` + goodSource + `}`)
	event := text(t, h.do(http.MethodPost, "/v1/events", `{"type":"order.paid","data":1,"idempotency_key":"order-42","metadata":{"ref":"R 7"}}`).is(http.StatusAccepted)["id"])

	t.Run("a webhook is found by its provider's delivery id", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.push(h.source(`{`+goodSource+`}`), "push", "72d3162e-cc78-11e3", `{}`).isEmpty()
		hits := h.found("72d3162e-cc78-11e3")
		require.Len(t, hits, 1)
		require.Equal(t, []string{"event", "metadata"}, []string{hits[0].Kind, hits[0].By})
	})

	t.Run("what is found leads to where it is", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		for text, want := range map[string]client.SearchHit{
			d.ID:       {Kind: "delivery", ID: d.ID, By: "id", Value: d.ID, Exact: true, Links: client.Links{Self: "/v1/deliveries/" + d.ID}},
			source:     {Kind: "source", ID: source, By: "id", Value: source, Exact: true, Links: client.Links{Self: "/v1/sources/" + source}},
			"order-4":  {Kind: "event", ID: event, By: "idempotency_key", Value: "order-42", Links: client.Links{Self: "/v1/events/" + event}},
			" R 7 ":    {Kind: "event", ID: event, By: "metadata", Value: "R 7", Exact: true, Links: client.Links{Self: "/v1/events/" + event}},
			"EXAMPLE.": {Kind: "subscription", ID: d.SubscriptionID, By: "receiver", Value: "example.com", Links: client.Links{Self: "/v1/subscriptions/" + d.SubscriptionID}},
		} {
			want.Tenant = models.DefaultTenant
			require.Equal(t, []client.SearchHit{want}, h.found(text), text)
		}
		require.Contains(t, h.found("order.p"), client.SearchHit{
			Kind: "event_type", By: "type", Value: "order.paid", Links: client.Links{Self: "/v1/events?type=order.paid"},
		})
		require.Empty(t, h.found("nothing like it"))
	})

	t.Run("a key finds what it may read", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		reader := as(h.key("default", models.ScopeReadEvents))
		require.Len(t, h.found(d.ID, reader...), 1)
		require.Equal(t, "/v1/events?tenant=default&type=order.paid", h.found("order.paid", reader...)[0].Links.Self)
		for _, text := range []string{d.SubscriptionID, source, "example.com"} {
			require.Empty(t, h.found(text, reader...), text)
			require.NotEmpty(t, h.found(text, as(h.key("default", models.ScopeReadEvents, models.ScopeReadSubscriptions))...), text)
			require.Empty(t, h.found(text, as(h.key("other"))...), text)
		}
		made := h.key("default")
		require.Empty(t, h.found(made.ID, as(made)...))
		require.Len(t, h.found(made.ID), 1)
		for _, text := range []string{d.ID, event, "order-42", "R 7", "order.paid"} {
			require.Empty(t, h.found(text, as(h.key("other"))...), text)
		}
	})

	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		for _, query := range []string{"", "?q=+", "?q=%00", "?q=" + strings.Repeat("x", models.MaxSearch+1)} {
			h.on(t).get("/v1/search"+query).isProblem(http.StatusBadRequest, models.CodeInvalid, "q")
		}
	})
}
