package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// closed makes a delivery and closes it with the status; a pending one is left as it is.
func (h *harness) closed(status models.DeliveryStatus) *models.Delivery {
	h.t.Helper()
	d := h.deliver()
	if status != models.DeliveryPending {
		_, err := h.store.ChangeDelivery(h.t.Context(), d.ID, models.Change{Act: models.DeliveryOutcome{Status: status}.Act()})
		require.NoError(h.t, err)
	}
	return d
}

func TestCancelAndRedeliver(t *testing.T) {
	t.Parallel()

	for _, verb := range []string{"cancel", "redeliver"} {
		t.Run(verb+" passes on who asks and why", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			d := h.deliver()
			got := h.do(http.MethodPost, deliveriesPath+"/"+d.ID+"/"+verb, `{"reason":"test order"}`, "Posthaste-Actor", "Jo Lindqvist").
				is(http.StatusAccepted)
			require.Equal(t, d.ID, got["id"])
			require.Equal(t, "pending", got["status"])
			require.Equal(t, []string{verb + " " + d.ID + " Jo Lindqvist: test order"}, h.control.asked)
		})

		t.Run(verb+" needs no body and no name", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			d := h.deliver()
			path := deliveriesPath + "/" + d.ID + "/" + verb
			for _, body := range []string{"", "{}", `{"reason":null}`} {
				h.do(http.MethodPost, path, body).is(http.StatusAccepted)
			}
			h.do(http.MethodPost, path, "", "Posthaste-Actor", " ").is(http.StatusAccepted)
			asked := verb + " " + d.ID + " api: "
			require.Equal(t, []string{asked, asked, asked, asked}, h.control.asked)
		})
	}

	for status, allowed := range map[models.DeliveryStatus]struct{ cancel, redeliver bool }{
		models.DeliveryPending:   {true, true},
		models.DeliveryDelivered: {false, true},
		models.DeliveryExhausted: {true, true},
		models.DeliveryCancelled: {false, true},
	} {
		for verb, allowed := range map[string]bool{"cancel": allowed.cancel, "redeliver": allowed.redeliver} {
			t.Run(verb+" of a delivery that is "+string(status), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t)
				d := h.closed(status)
				a := h.do(http.MethodPost, deliveriesPath+"/"+d.ID+"/"+verb, "")
				if allowed {
					require.Equal(t, string(status), a.is(http.StatusAccepted)["status"])
					require.Len(t, h.control.asked, 1)
					return
				}
				require.Contains(t, a.isProblem(http.StatusConflict, models.CodeConflict, ""), "is "+string(status))
				require.Empty(t, h.control.asked)
			})
		}
	}

	t.Run("a closed delivery is not redelivered to a subscription that is disabled or deleted", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		d := h.closed(models.DeliveryExhausted)
		path, sub := deliveriesPath+"/"+d.ID+"/redeliver", subscriptionsPath+"/"+d.SubscriptionID
		h.do(http.MethodPatch, sub, `{"status":"disabled"}`).is(http.StatusOK)
		require.Contains(t, h.do(http.MethodPost, path, "").isProblem(http.StatusConflict, models.CodeConflict, ""),
			d.SubscriptionID+" is disabled")
		require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, sub, "").status)
		require.Contains(t, h.do(http.MethodPost, path, "").isProblem(http.StatusConflict, models.CodeConflict, ""),
			d.SubscriptionID+" is deleted")
		require.Empty(t, h.control.asked)
	})

	t.Run("what the control refuses is refused", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path := deliveriesPath + "/" + h.deliver().ID
		for _, verb := range []string{"/cancel", "/redeliver"} {
			h.control.err = models.Errorf(models.CodeConflict, "the delivery is delivered")
			require.Equal(t, "the delivery is delivered",
				h.do(http.MethodPost, path+verb, "").isProblem(http.StatusConflict, models.CodeConflict, ""))
			h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
			h.do(http.MethodPost, path+verb, "").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
			h.control.err = errors.New("frontend: connection refused")
			h.do(http.MethodPost, path+verb, "").isProblem(http.StatusInternalServerError, models.CodeInternal, "")
		}
	})
}

// badReasons are refused wherever a reason is taken: what the answer's field is.
var badReasons = map[string]struct{ body, field string }{
	"an unknown field":        {`{"why":"x"}`, "why"},
	"a number":                {`{"reason":1}`, "reason"},
	"a zero byte":             {`{"reason":"\u0000"}`, "reason"},
	"a reason that is long":   {`{"reason":"` + strings.Repeat("x", models.MaxReason+1) + `"}`, "reason"},
	"two reasons":             {`{"reason":"a","reason":"b"}`, "reason"},
	"somebody who says so":    {`{"reason":"enough","by":"the chief"}`, "by"},
	"a list":                  {`[]`, ""},
	"what is not JSON at all": {`reason=x`, ""},
}

// badActors are refused wherever somebody acts.
var badActors = map[string]string{
	"a name that is long":    strings.Repeat("x", models.MaxActor+1),
	"a control character":    "a\tb",
	"a line break":           "a\nb",
	"a break in reading":     "a\u202eb",
	"what is not UTF-8":      "\xff",
	"a space of other width": "a\u00a0b",
}

func TestBadReasonsAndActors(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	recovery := text(t, h.recover(d.SubscriptionID, "").is(http.StatusAccepted)["id"])
	ids := map[string]string{
		models.DeliveryPrefix: d.ID, models.EventPrefix: d.EventID, models.SubscriptionPrefix: d.SubscriptionID,
		models.RecoveryPrefix: recovery,
	}
	t.Cleanup(func() { // after all subtests
		require.Empty(t, h.control.asked)
		require.Len(t, h.control.jobs, 1) // the recovery's
	})
	for _, route := range api.Routes() {
		if route.In != (client.ActionRequest{}) && route.In != (client.JobRequest{}) {
			continue
		}
		path := strings.Replace(with(route.Path, ids[prefixOf(route.Path)]), ":tenant", models.DefaultTenant, 1)
		for name, bad := range badReasons {
			t.Run(route.Path+" refuses "+name, func(t *testing.T) {
				t.Parallel()
				h.on(t).do(route.Method, path, bad.body).isProblem(http.StatusBadRequest, models.CodeInvalid, bad.field)
			})
		}
		for name, bad := range badActors {
			t.Run(route.Path+" refuses "+name, func(t *testing.T) {
				t.Parallel()
				detail := h.on(t).do(route.Method, path, "", "Posthaste-Actor", bad).
					isProblem(http.StatusBadRequest, models.CodeInvalid, "Posthaste-Actor")
				require.NotContains(t, detail, bad)
			})
		}
	}
}

func TestTwoActors(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	request := h.request(http.MethodPost, deliveriesPath+"/"+d.ID+"/cancel", "")
	request.Header["Posthaste-Actor"] = []string{"Jo", "Kim"}
	h.answer(request).isProblem(http.StatusBadRequest, models.CodeInvalid, "Posthaste-Actor")
	require.Empty(t, h.control.asked)
}

func TestTemporalTakesTooLong(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	h.control.err = context.DeadlineExceeded
	for _, path := range []string{
		deliveriesPath + "/" + d.ID + "/cancel", deliveriesPath + "/" + d.ID + "/redeliver",
		"/v1/events/" + d.EventID + "/redeliver",
	} {
		detail := h.do(http.MethodPost, path, "").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		require.Contains(t, detail, "try again")
	}
}
