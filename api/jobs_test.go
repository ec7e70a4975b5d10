package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// fanOut makes deliveries of one event in each status, and returns one that stands for them.
func (h *harness) fanOut() *models.Delivery {
	h.t.Helper()
	for range models.DeliveryStatuses() {
		h.subscribe()
	}
	planned := h.plan(h.publish(eventBody))
	for i, status := range models.DeliveryStatuses() {
		switch status {
		case models.DeliveryPending:
		case models.DeliveryHeld:
			h.do(http.MethodPost, subscriptionsPath+"/"+planned[i].SubscriptionID+"/pause", "").is(http.StatusOK)
		default:
			_, err := h.store.CloseDelivery(h.t.Context(), planned[i].ID, status, "")
			require.NoError(h.t, err)
		}
	}
	return planned[0]
}

func TestJobsOfAnEvent(t *testing.T) {
	t.Parallel()
	cancelled := []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld, models.DeliveryExhausted}
	redelivered := []models.DeliveryStatus{
		models.DeliveryPending, models.DeliveryDelivered, models.DeliveryExhausted, models.DeliveryCancelled,
	}
	why := models.Why{By: "Jo", Reason: "enough"}
	for name, want := range map[string]struct {
		verb, body string
		statuses   []models.DeliveryStatus
		rate       int
	}{
		"cancel":                 {"cancel", `{"reason":"enough"}`, cancelled, models.MaxRate},
		"redeliver":              {"redeliver", `{"reason":"enough"}`, redelivered, models.DefaultRate},
		"redeliver with a rate":  {"redeliver", `{"reason":"enough","rate":3}`, redelivered, 3},
		"redeliver with no rate": {"redeliver", `{"reason":"enough","rate":null}`, redelivered, models.DefaultRate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			id := h.fanOut().EventID
			a := h.do(http.MethodPost, "/v1/events/"+id+"/"+want.verb, want.body, "Posthaste-Actor", "Jo")
			got := a.is(http.StatusAccepted)
			require.InDelta(t, len(want.statuses), got["deliveries"], 0)
			delete(got, "deliveries")
			require.Equal(t, map[string]any{"event_id": id, "links": map[string]any{
				"self": "/v1/events/" + id, "workflow": "http://ui.test/namespaces/posthaste/workflows/" + want.verb + "%2F" + id,
			}}, got)
			require.Equal(t, []models.Job{{
				Action: models.JobAction(want.verb), Tenant: models.DefaultTenant, Rate: want.rate, Why: why,
				Selection: models.Selection{EventID: id, Statuses: want.statuses},
			}}, h.steering.jobs)
			require.Equal(t, []string{"event." + want.verb + " Jo: enough"}, h.audited(id))
		})
	}
}

func TestJobsWaitForThePlan(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.publish(eventBody)
	for _, verb := range []string{"/cancel", "/redeliver"} {
		require.Contains(t, h.do(http.MethodPost, "/v1/events/"+id+verb, "").isProblem(http.StatusConflict, models.CodeConflict, ""),
			"not planned yet")
	}
	require.Empty(t, h.steering.jobs)
}

func TestCancelWhatWaitsForASubscription(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	for range 3 {
		h.plan(h.publish(eventBody))
	}
	_, err := h.store.CloseDelivery(t.Context(), d.ID, models.DeliveryExhausted, "")
	require.NoError(t, err)
	path := subscriptionsPath + "/" + d.SubscriptionID
	a := h.do(http.MethodPost, path+"/cancel", `{"reason":"enough"}`, "Posthaste-Actor", "Jo")
	a.is(http.StatusAccepted)
	require.JSONEq(t, `{"subscription_id":"`+d.SubscriptionID+`","deliveries":3,"links":{"self":"`+path+`",
		"workflow":"http://ui.test/namespaces/posthaste/workflows/cancel%2F`+d.SubscriptionID+`"}}`, a.body)
	require.Equal(t, []models.Job{{
		Action: models.JobCancel, Tenant: models.DefaultTenant, Rate: models.MaxRate, Why: models.Why{By: "Jo", Reason: "enough"},
		Selection: models.Selection{
			SubscriptionID: d.SubscriptionID, Statuses: []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld},
		},
	}}, h.steering.jobs)
	require.Len(t, h.steering.untils, 1)
	require.WithinDuration(t, time.Now(), h.steering.untils[0], time.Minute, "what comes later is not meant")
	require.Equal(t, []string{"subscription.cancel Jo: enough", "subscription.create api: "}, h.audited(d.SubscriptionID))
}

func TestJobsNeedTemporal(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	h.steering.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
	for path, entry := range map[string]string{
		"/v1/events/" + d.EventID + "/cancel":                  "event.cancel api: ",
		"/v1/events/" + d.EventID + "/redeliver":               "event.redeliver api: ",
		subscriptionsPath + "/" + d.SubscriptionID + "/cancel": "subscription.cancel api: ",
	} {
		h.do(http.MethodPost, path, "").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		require.Contains(t, append(h.audited(d.EventID), h.audited(d.SubscriptionID)...), entry)
	}
}
