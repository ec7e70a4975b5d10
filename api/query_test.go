package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

// listed fetches one page and returns its ids and the cursor of the next.
func (h *harness) listed(path string) (ids []string, next string) {
	h.t.Helper()
	got := h.get(path).is(http.StatusOK)
	data, ok := got["data"].([]any)
	require.True(h.t, ok)
	for _, item := range data {
		object, _ := item.(map[string]any)
		ids = append(ids, text(h.t, object["id"]))
	}
	next, _ = got["next_cursor"].(string)
	return ids, next
}

// walk follows a list to its end.
func (h *harness) walk(path string) (ids []string, pages int) {
	h.t.Helper()
	for next := ""; ; pages++ {
		require.Less(h.t, pages, 100)
		target := path
		if next != "" {
			target += "&cursor=" + next
		}
		var page []string
		if page, next = h.listed(target); next == "" {
			return append(ids, page...), pages + 1
		}
		ids = append(ids, page...)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var want []string
	for i := range 7 {
		want = append(want, h.publish(fmt.Sprintf(`{"type":"a","data":%d}`, i)))
	}
	slices.Reverse(want)

	for limit, pages := range map[int]int{1: 7, 3: 3, 6: 2, 7: 1, 200: 1} {
		t.Run(fmt.Sprintf("walks newest first in pages of %d", limit), func(t *testing.T) {
			t.Parallel()
			got, turned := h.on(t).walk(fmt.Sprintf("/v1/events?limit=%d", limit))
			require.Equal(t, want, got)
			require.Equal(t, pages, turned)
		})
	}

	t.Run("knows of a next page also at the largest limit", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		batch := `{"events":[` + strings.TrimSuffix(strings.Repeat(eventBody+",", 201), ",") + `]}`
		h.do(http.MethodPost, batchPath, batch).is(http.StatusAccepted)
		got, pages := h.walk("/v1/events?limit=200")
		require.Len(t, got, 201)
		require.Equal(t, 2, pages)
	})

	t.Run("has pages of 50 unless told otherwise", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		batch := `{"events":[` + strings.TrimSuffix(strings.Repeat(eventBody+",", 51), ",") + `]}`
		h.do(http.MethodPost, batchPath, batch).is(http.StatusAccepted)
		got, next := h.listed("/v1/events")
		require.Len(t, got, 50)
		require.NotEmpty(t, next)
	})

	t.Run("an empty list is a list", func(t *testing.T) {
		t.Parallel()
		require.JSONEq(t, `{"data":[]}`, newHarness(t).get("/v1/events").body)
	})
}

func TestEventFilters(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Second)
	clock := start
	h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return clock } })
	a := h.publish(`{"tenant":"x","type":"a","data":1,"idempotency_key":"order 42"}`)
	second := start.Add(time.Minute)
	clock = second
	b := h.publish(`{"tenant":"x","type":"b","data":1}`)
	clock = start.Add(2 * time.Minute)
	c := h.publish(`{"tenant":"y","type":"b","data":1}`)

	for path, want := range map[string][]string{
		"/v1/events":                                           {c, b, a},
		"/v1/events?tenant=x":                                  {b, a},
		"/v1/events?type=b":                                    {c, b},
		"/v1/events?tenant=x&type=b":                           {b},
		"/v1/events?tenant=z":                                  nil,
		"/v1/events?tenant=x&idempotency_key=order+42":         {a},
		"/v1/events?tenant=y&idempotency_key=order+42":         nil,
		"/v1/events?since=" + second.Format(time.RFC3339):      {c, b},
		"/v1/events?until=" + second.Format(models.TimeFormat): {a},
		"/v1/events?since=" + url.QueryEscape(second.In(time.FixedZone("east", 2*60*60)).Format(time.RFC3339)): {c, b},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, _ := h.on(t).listed(path)
			require.Equal(t, want, got)
		})
	}
}

func TestListsShowNoPayloadAndNoSecret(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.subscribe()
	h.publish(`{"type":"a","data":"confidential","metadata":{"a":"b"},"idempotency_key":"k"}`)
	require.NotContains(t, h.get("/v1/events").body, "confidential")
	require.Contains(t, h.get("/v1/events").body, `"idempotency_key":"k"`)
	require.NotContains(t, h.get("/v1/subscriptions").body, "secret")
	require.NotContains(t, h.get("/v1/subscriptions").body, "whsec_")
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	cursor := func(version byte, id string) string {
		return base64.RawURLEncoding.EncodeToString(append([]byte{version}, id...))
	}
	event, day := models.NewID(models.EventPrefix), "2026-05-01T00:00:00Z"
	for path, field := range map[string]string{
		"/v1/events?colour=red":                                            "colour",
		"/v1/events?Tenant=x":                                              "Tenant",
		"/v1/events?tenant=x&tenant=x":                                     "tenant",
		"/v1/events?tenant=":                                               "tenant",
		"/v1/events?tenant=a%20b":                                          "tenant",
		"/v1/events?tenant=%00":                                            "tenant",
		"/v1/events?type=order.*":                                          "type",
		"/v1/events?status=accepted":                                       "status",
		"/v1/events?since=yesterday":                                       "since",
		"/v1/events?since=1714521600":                                      "since",
		"/v1/events?since=2026-05-01T00:00:00+02:00":                       "since",
		"/v1/events?until=2026-05-01":                                      "until",
		"/v1/events?limit=0":                                               "limit",
		"/v1/events?limit=201":                                             "limit",
		"/v1/events?limit=-1":                                              "limit",
		"/v1/events?limit=ten":                                             "limit",
		"/v1/events?limit=99999999999999999999":                            "limit",
		"/v1/events?cursor=!":                                              "cursor",
		"/v1/events?cursor=" + event:                                       "cursor",
		"/v1/events?cursor=" + cursor(2, event):                            "cursor",
		"/v1/events?cursor=" + cursor(1, "evt_1"):                          "cursor",
		"/v1/events?cursor=" + cursor(1, ""):                               "cursor",
		"/v1/deliveries?cursor=" + cursor(1, event):                        "cursor",
		"/v1/deliveries?event_id=1":                                        "event_id",
		"/v1/deliveries?subscription_id=" + event:                          "subscription_id",
		"/v1/deliveries?status=lost":                                       "status",
		"/v1/deliveries?since=now":                                         "since",
		"/v1/deliveries?event_type=order.*":                                "event_type",
		"/v1/deliveries?since=" + day + "&until=" + day:                    "until",
		"/v1/events?idempotency_key=k":                                     "tenant",
		"/v1/events?tenant=x&idempotency_key=":                             "idempotency_key",
		"/v1/events?tenant=x&idempotency_key=%00":                          "idempotency_key",
		"/v1/subscriptions?status=asleep":                                  "status",
		"/v1/subscriptions?url=x":                                          "url",
		"/v1/events/" + event + "?expand=data":                             "expand",
		"/v1/events?a%3Cscript%3E=" + url.QueryEscape(""):                  "a<script>",
		"/healthz?deep=1":                                                  "deep",
		"/v1/events?since=2026-05-02T00:00:00Z&until=2026-05-02T00:00:00Z": "until",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			h.on(t).get(path).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		})
	}

	t.Run("a malformed query has no field to name", func(t *testing.T) {
		t.Parallel()
		h.on(t).get("/v1/events?tenant=%zz").
			isProblem(http.StatusBadRequest, models.CodeInvalid, "")
	})
}
