package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

const deliveriesPath = "/v1/deliveries"

func TestEventShowsItsDeliveries(t *testing.T) {
	t.Parallel()

	t.Run("with its data as it was published", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.subscribe()
		h.subscribe()
		id := h.publish(`{"type":"a","data":{"z":1.00,"a":"<&>"},"metadata":{"k":"v"}}`)
		planned := h.plan(id)
		a := h.get("/v1/events/" + id)
		got := a.is(http.StatusOK)
		require.Contains(t, a.body, `"data":{"z":1.00,"a":"<&>"}`)
		require.Equal(t, "planned", got["status"])
		require.InDelta(t, 2, got["matched"], 0)
		require.NotContains(t, got, "deliveries_link")
		shown, _ := got["deliveries"].([]any)
		require.Len(t, shown, 2)
		require.Equal(t, map[string]any{
			"id": planned[0].ID, "subscription_id": planned[0].SubscriptionID, "status": "pending", "attempts": 0.0,
			"next_attempt_at": planned[0].NextAttemptAt.Format(models.TimeFormat),
		}, shown[0])
	})

	t.Run("as an empty list before it is planned", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		got := h.get("/v1/events/" + h.publish(eventBody)).is(http.StatusOK)
		require.Equal(t, []any{}, got["deliveries"])
		require.Equal(t, "accepted", got["status"])
		require.NotContains(t, got, "matched", "nobody knows yet")
	})

	t.Run("as none when it matched nobody", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.publish(eventBody)
		h.plan(id)
		got := h.get("/v1/events/" + id).is(http.StatusOK)
		require.Equal(t, []any{}, got["deliveries"])
		require.InDelta(t, 0, got["matched"], 0)
		require.Contains(t, h.get("/v1/events").body, `"matched":0`)
	})

	t.Run("up to 200, with a link to the rest", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for range 203 {
			h.subscribe()
		}
		id := h.publish(eventBody)
		h.plan(id)
		got := h.get("/v1/events/" + id).is(http.StatusOK)
		require.Len(t, got["deliveries"], 200)
		rest, next := h.listed(text(t, got["deliveries_link"]))
		require.Len(t, rest, 3)
		require.Empty(t, next)
	})
}

func TestGetDelivery(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	a := h.get(deliveriesPath + "/" + d.ID)
	a.is(http.StatusOK)
	stamp := func(at time.Time) string { return at.Format(models.TimeFormat) }
	require.JSONEq(t, `{
		"id":"`+d.ID+`", "tenant":"default", "event_id":"`+d.EventID+`", "event_type":"order.paid",
		"subscription_id":"`+d.SubscriptionID+`", "receiver":"example.com", "status":"pending", "attempts":0,
		"next_attempt_at":"`+stamp(d.NextAttemptAt)+`", "created_at":"`+stamp(d.CreatedAt)+`", "updated_at":"`+stamp(d.UpdatedAt)+`",
		"links":{
			"self":"/v1/deliveries/`+d.ID+`", "event":"/v1/events/`+d.EventID+`",
			"subscription":"/v1/subscriptions/`+d.SubscriptionID+`", "attempts":"/v1/deliveries/`+d.ID+`/attempts",
			"runs":"/v1/deliveries/`+d.ID+`/runs",
			"workflow":"http://ui.test/namespaces/posthaste/workflows/delivery%2F`+d.ID+`"}}`, a.body)

	require.Contains(t, h.get(deliveriesPath).body, `"receiver":"example.com"`)
	require.NoError(t, h.store.DeleteSubscription(t.Context(), d.SubscriptionID))
	require.NotContains(t, h.get(deliveriesPath+"/"+d.ID).body, "receiver")
}

func TestDeliveryFilters(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first, second := h.deliver(), h.deliver() // the second event goes to both subscriptions
	_, err := h.store.ChangeDelivery(t.Context(), first.ID, models.Change{Act: models.ActAbandon, Why: models.Why{Reason: "enough"}})
	require.NoError(t, err)
	all, err := h.store.Deliveries(t.Context(), models.DeliveryFilter{})
	require.NoError(t, err)
	require.Len(t, all, 3)
	for query, want := range map[string][]string{
		"":                                             {all[0].ID, all[1].ID, first.ID},
		"?status=cancelled":                            {first.ID},
		"?event_id=" + first.EventID:                   {first.ID},
		"?event_id=" + second.EventID:                  {all[0].ID, all[1].ID},
		"?status=pending&limit=1":                      {all[0].ID},
		"?tenant=other":                                nil,
		"?since=2100-01-01T00:00:00Z":                  nil,
		"?until=2100-01-01T00:00:00Z":                  {all[0].ID, all[1].ID, first.ID},
		"?until=2000-01-01T00:00:00Z":                  nil,
		"?event_type=order.sent":                       nil,
		"?event_type=order.paid&status=cancelled":      {first.ID},
		"?since=2000-01-01T00:00:00Z&status=cancelled": {first.ID},
		"?subscription_id=" + first.SubscriptionID + "&event_id=" + first.EventID: {first.ID},
	} {
		got, _ := h.listed(deliveriesPath + query)
		require.Equal(t, want, got, query)
	}
}

func TestDeliveriesThatFailedInTheSameWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
		DeliveryID: d.ID, Number: 1, StartedAt: d.CreatedAt, URL: "https://example.com/hook",
		Exchange: models.Exchange{Status: http.StatusTeapot, ErrorClass: models.ErrorStatus, Error: "answered 418"},
	}, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: d.CreatedAt}))
	shown := h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)
	require.Equal(t, []any{"status", 418.0}, []any{shown["error_class"], shown["code"]})

	for query, want := range map[string][]string{"error_class=status": {d.ID}, "error_class=status&code=418": {d.ID}, "error_class=status&code=500": nil, "error_class=timeout": nil} {
		got, _ := h.listed(deliveriesPath + "?subscription_id=" + d.SubscriptionID + "&" + query)
		require.Equal(t, want, got, query)
	}
	for query, field := range map[string]string{
		"error_class=status": "subscription_id", "subscription_id=" + d.SubscriptionID + "&code=418": "error_class",
		"error_class=odd": "error_class", "code=teapot": "code", "code=99": "code",
	} {
		h.get(deliveriesPath+"?"+query).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()

	t.Run("show what was sent and what came back", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		d := h.deliver()
		started := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
			DeliveryID: d.ID, Number: 1, StartedAt: started, URL: "https://example.com/hook",
			RequestHeaders: http.Header{"Webhook-Id": {d.EventID}, "Authorization": {"Bearer hunter2"}},
			Exchange: models.Exchange{
				Status: 503, Header: http.Header{"Retry-After": {"7"}, "Set-Cookie": {"sid=hunter2"}}, Body: []byte("<busy>"), Cut: true,
				Timing:     models.Timing{DNS: 1500 * time.Microsecond, FirstByte: 20 * time.Millisecond, Total: 21 * time.Millisecond},
				ErrorClass: models.ErrorStatus, Error: "answered 503",
			},
		}, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: started.Add(time.Second)}))
		require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
			DeliveryID: d.ID, Number: 2, StartedAt: started.Add(time.Second), URL: "https://example.com/hook",
			Exchange: models.Exchange{ErrorClass: models.ErrorDNS, Error: "no such host"},
		}, models.DeliveryOutcome{Status: models.DeliveryExhausted}))

		event, err := h.store.Event(t.Context(), d.EventID)
		require.NoError(t, err)
		body := strings.ReplaceAll(string(models.Body(event, d)), `"`, `\"`)
		a := h.get(deliveriesPath + "/" + d.ID + "/attempts")
		a.is(http.StatusOK)
		require.JSONEq(t, `{"data":[{
			"number":1, "started_at":"2026-03-01T12:00:00.000Z", "url":"https://example.com/hook",
			"request":{"headers":{"Webhook-Id":["`+d.EventID+`"],"Authorization":["[redacted]"]},"body":"`+body+`"},
			"response":{"status":503,"headers":{"Retry-After":["7"],"Set-Cookie":["[redacted]"]},"body":"<busy>","body_cut":true},
			"timing":{"dns_ms":1.5,"connect_ms":0,"tls_ms":0,"first_byte_ms":20,"total_ms":21},
			"error_class":"status", "error":"answered 503"
		},{
			"number":2, "started_at":"2026-03-01T12:00:01.000Z", "url":"https://example.com/hook",
			"request":{"headers":{},"body":"`+body+`"}, "response":null,
			"timing":{"dns_ms":0,"connect_ms":0,"tls_ms":0,"first_byte_ms":0,"total_ms":0},
			"error_class":"dns", "error":"no such host"
		}]}`, a.body)

		got := h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)
		require.Equal(t, "exhausted", got["status"])
		require.InDelta(t, 2, got["attempts"], 0)
		require.Equal(t, "no such host", got["last_error"])
		require.NotContains(t, got, "next_attempt_at")
	})

	t.Run("show nothing that was sent or answered once the payload is removed", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		d := h.deliver()
		require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
			DeliveryID: d.ID, Number: 1, StartedAt: time.Now(), URL: "https://example.com/hook",
			RequestHeaders: http.Header{"Webhook-Id": {d.EventID}},
			Exchange:       models.Exchange{Status: 200, Header: http.Header{"Server": {"x"}}, Body: []byte("thanks")},
		}, models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		_, over, err := h.store.Expire(t.Context(), models.Ending{
			Expiry: models.ExpirePayloads, Keep: models.Retention{Payloads: time.Hour}, At: time.Now().Add(time.Hour + time.Second),
		}, time.Now())
		require.NoError(t, err)
		require.True(t, over)

		a := h.get(deliveriesPath + "/" + d.ID + "/attempts")
		a.is(http.StatusOK)
		require.Contains(t, a.body, `"request":{"headers":{}},"response":{"status":200,"headers":{},"body_cut":false}`)
		got := h.get("/v1/events/" + d.EventID).is(http.StatusOK)
		require.Equal(t, true, got["payload_removed"])
		require.NotContains(t, got, "data")
		refused := h.do(http.MethodPost, deliveriesPath+"/"+d.ID+"/redeliver", "")
		require.Equal(t, "the delivery is delivered, and its payload was removed; publish the event again", refused.isProblem(http.StatusConflict, models.CodeConflict, ""))
	})

	t.Run("are none before the first", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		require.JSONEq(t, `{"data":[]}`, h.get(deliveriesPath+"/"+h.deliver().ID+"/attempts").body)
	})
}
