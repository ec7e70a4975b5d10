package api_test

import (
	"net/http"
	"net/url"
	"testing"

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
			_, err := h.store.ChangeDelivery(h.t.Context(), planned[i].ID, models.Change{Act: models.DeliveryOutcome{Status: status}.Act()})
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
		epoch      int64
		before     int64
	}{
		"cancel":                 {"cancel", `{"reason":"enough"}`, cancelled, models.MaxRate, 0, 2},
		"redeliver":              {"redeliver", `{"reason":"enough"}`, redelivered, models.DefaultRate, 1, 0},
		"redeliver with a rate":  {"redeliver", `{"reason":"enough","rate":3}`, redelivered, 3, 1, 0},
		"redeliver with no rate": {"redeliver", `{"reason":"enough","rate":null}`, redelivered, models.DefaultRate, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			id := h.fanOut().EventID
			a := h.do(http.MethodPost, "/v1/events/"+id+"/"+want.verb, want.body, "Posthaste-Actor", "Jo")
			got := a.is(http.StatusAccepted)
			require.InDelta(t, len(want.statuses), got["deliveries"], 0)
			delete(got, "deliveries")
			job := models.Job{
				Action: models.JobAction(want.verb), Tenant: models.DefaultTenant, Rate: want.rate, Why: why, Epoch: want.epoch,
				Selection: models.Selection{EventID: id, Statuses: want.statuses, Before: want.before},
			}
			if want.before > 0 {
				require.InDelta(t, 0, got["events"], 0)
				delete(got, "events")
			} else { // a stop leaves the key to the audit
				job.Key = models.RootKey
			}
			require.Equal(t, map[string]any{"event_id": id, "links": map[string]any{
				"self": "/v1/events/" + id, "workflow": "http://ui.test/namespaces/posthaste/workflows/" + url.PathEscape(job.WorkflowID()),
			}}, got)
			require.Equal(t, []models.Job{job}, h.control.jobs)
			require.Equal(t, []string{"event." + want.verb + " Jo: enough"}, h.audited(id))
		})
	}
}

func TestRedeliverWaitsForThePlan(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.publish(eventBody)
	require.Contains(t, h.do(http.MethodPost, "/v1/events/"+id+"/redeliver", "").isProblem(http.StatusConflict, models.CodeConflict, ""),
		"not planned yet")
	require.Empty(t, h.control.jobs)
}

// TestCancelWhatIsNotPlanned cancels what has no deliveries yet, in each of the ways, and publishes once more.
func TestCancelWhatIsNotPlanned(t *testing.T) {
	t.Parallel()
	for of, path := range map[string]func(event, subscription string) string{
		"an event":       func(event, _ string) string { return "/v1/events/" + event },
		"a subscription": func(_, subscription string) string { return subscriptionsPath + "/" + subscription },
		"a tenant":       func(_, _ string) string { return "/v1/tenants/default" },
	} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			subscription, event := h.subscribe(), h.publish(eventBody)
			h.publish(`{"tenant":"other","type":"order.paid","data":1}`)
			got := h.do(http.MethodPost, path(event, subscription)+"/cancel", `{"reason":"enough"}`, "Posthaste-Actor", "Jo").is(http.StatusAccepted)
			require.InDelta(t, 0, got["deliveries"], 0)
			require.InDelta(t, 1, got["events"], 0)
			require.Len(t, h.control.jobs, 1)

			planned := h.plan(event)
			require.Len(t, planned, 1)
			require.Equal(t, models.DeliveryCancelled, planned[0].Status)
			require.Equal(t, "enough (by Jo)", planned[0].Reason)
			require.Equal(t, models.DeliveryPending, h.plan(h.publish(eventBody))[0].Status, "published after the answer")
		})
	}
}

func TestCancelTenant(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.deliver()
	a := h.do(http.MethodPost, "/v1/tenants/default/cancel", `{"reason":"enough"}`, "Posthaste-Actor", "Jo")
	a.is(http.StatusAccepted)
	require.JSONEq(t, `{"tenant":"default","deliveries":1,"events":0,"links":{"deliveries":"/v1/deliveries?tenant=default",
		"workflow":"http://ui.test/namespaces/posthaste/workflows/cancel%2Ftenant%2Fdefault%2F2"}}`, a.body)
	require.Equal(t, []string{"tenant.cancel Jo: enough"}, h.audited("default"))
	h.do(http.MethodPost, "/v1/tenants/-/cancel", "").isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
	h.do(http.MethodPost, "/v1/tenants/nobody/cancel", "").is(http.StatusAccepted)
}

func TestCancelWhatWaitsForASubscription(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	for range 3 {
		h.plan(h.publish(eventBody))
	}
	_, err := h.store.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActExhaust})
	require.NoError(t, err)
	path := subscriptionsPath + "/" + d.SubscriptionID
	a := h.do(http.MethodPost, path+"/cancel", `{"reason":"enough"}`, "Posthaste-Actor", "Jo")
	a.is(http.StatusAccepted)
	require.JSONEq(t, `{"subscription_id":"`+d.SubscriptionID+`","deliveries":3,"events":0,"links":{"self":"`+path+`",
		"workflow":"http://ui.test/namespaces/posthaste/workflows/cancel%2F`+d.SubscriptionID+`%2F2"}}`, a.body)
	require.Equal(t, []models.Job{{
		Action: models.JobCancel, Tenant: models.DefaultTenant, Rate: models.MaxRate, Why: models.Why{By: "Jo", Reason: "enough"},
		Selection: models.Selection{
			SubscriptionID: d.SubscriptionID, Statuses: []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld},
			Before: 2,
		},
	}}, h.control.jobs)
	require.Equal(t, []string{"subscription.cancel Jo: enough", "subscription.create api: "}, h.audited(d.SubscriptionID))
}

func TestJobsWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
	h.do(http.MethodPost, "/v1/events/"+d.EventID+"/redeliver", "").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
	require.Contains(t, h.audited(d.EventID), "event.redeliver api: ")

	for path, entry := range map[string]string{
		"/v1/events/" + d.EventID + "/cancel":                  "event.cancel api: ",
		subscriptionsPath + "/" + d.SubscriptionID + "/cancel": "subscription.cancel api: ",
	} {
		h.do(http.MethodPost, path, "").is(http.StatusAccepted)
		require.Contains(t, append(h.audited(d.EventID), h.audited(d.SubscriptionID)...), entry)
	}
	promised, err := h.store.WalkingStops(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, promised, 2)
}
