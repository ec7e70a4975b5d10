package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// audited lists what the audit says of a subject, newest first: "action by: reason".
func (h *harness) audited(subject string) []string {
	h.t.Helper()
	entries, err := h.store.Audit(h.t.Context(), models.AuditFilter{Subject: subject})
	require.NoError(h.t, err)
	lines := make([]string, len(entries))
	for i, e := range entries {
		require.Equal(h.t, models.DefaultTenant, e.Tenant)
		lines[i] = string(e.Action) + " " + e.By + ": " + e.Reason
	}
	return lines
}

// resumption is the job that lets the held deliveries of a subscription go.
func resumption(subscriptionID string, rate int, why models.Why) models.Job {
	return models.Job{
		Action: models.JobResume, Tenant: models.DefaultTenant, Rate: rate, Why: why, Selection: models.Selection{
			SubscriptionID: subscriptionID, Statuses: []models.DeliveryStatus{models.DeliveryHeld},
		},
	}
}

func TestPause(t *testing.T) {
	t.Parallel()

	t.Run("holds what waits, and says who paused it and why", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		d := h.deliver()
		path := subscriptionsPath + "/" + d.SubscriptionID
		got := h.do(http.MethodPost, path+"/pause", `{"reason":"repairs"}`, "Posthaste-Actor", "Jo").is(http.StatusOK)
		require.Equal(t, "paused", got["status"])
		require.NotContains(t, got, "resume_rate")
		require.Equal(t, "Jo", got["paused_by"])
		require.Equal(t, "repairs", got["paused_reason"])
		require.Equal(t, got["updated_at"], got["paused_at"])
		require.InDelta(t, 1, got["held"], 0)
		require.Equal(t, got, h.get(path).is(http.StatusOK))
		require.Equal(t, []string{"subscription.pause Jo: repairs", "subscription.create api: "}, h.audited(d.SubscriptionID))
		require.Empty(t, h.control.jobs)
		require.Len(t, h.control.holding, 1)
		require.Equal(t, d.SubscriptionID, h.control.holding[0].Selection.SubscriptionID)

		held := h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)
		require.Equal(t, "held", held["status"])
		require.NotContains(t, held, "next_attempt_at")
		require.NotContains(t, h.get("/v1/events/"+d.EventID).body, "next_attempt_at")
		ids, _ := h.listed(deliveriesPath + "?status=held")
		require.Equal(t, []string{d.ID}, ids)
		ids, _ = h.listed(subscriptionsPath + "?status=paused")
		require.Equal(t, []string{d.SubscriptionID}, ids)
	})

	t.Run("is forgotten when it is over", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path := subscriptionsPath + "/" + h.subscribe()
		h.do(http.MethodPatch, path, `{"status":"paused"}`, "Posthaste-Actor", "Jo").is(http.StatusOK)
		h.do(http.MethodPatch, path, `{"status":"active"}`).is(http.StatusOK)
		got := h.get(path).is(http.StatusOK)
		for _, field := range []string{"paused_at", "paused_by", "paused_reason", "failing_since"} {
			require.NotContains(t, got, field)
		}
	})

	t.Run("twice is as good as once", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path := subscriptionsPath + "/" + h.subscribe()
		once := h.do(http.MethodPost, path+"/pause", "").is(http.StatusOK)
		require.Equal(t, once, h.do(http.MethodPost, path+"/pause", "").is(http.StatusOK))
		require.Equal(t, []string{"subscription.pause api: ", "subscription.create api: "}, h.audited(text(t, once["id"])))
	})

	t.Run("a held delivery can be cancelled, but its subscription must be resumed to redeliver it", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		d := h.deliver()
		h.do(http.MethodPost, subscriptionsPath+"/"+d.SubscriptionID+"/pause", "").is(http.StatusOK)
		path := deliveriesPath + "/" + d.ID
		detail := h.do(http.MethodPost, path+"/redeliver", "").isProblem(http.StatusConflict, models.CodeConflict, "")
		require.Contains(t, detail, "held because its subscription is paused; resume the subscription")
		require.Equal(t, "held", h.do(http.MethodPost, path+"/cancel", "").is(http.StatusAccepted)["status"])
		require.Equal(t, []string{"cancel " + d.ID + " api: "}, h.control.asked)
	})

	t.Run("and resume are not for what is disabled", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.subscribe()
		path := subscriptionsPath + "/" + id
		before := h.do(http.MethodPatch, path, `{"status":"disabled"}`).is(http.StatusOK)
		audited, jobs := h.audited(id), len(h.control.jobs)
		for _, verb := range []string{"/pause", "/resume"} {
			require.Contains(t, h.do(http.MethodPost, path+verb, "").isProblem(http.StatusConflict, models.CodeConflict, ""), "disabled")
		}
		require.Equal(t, before, h.get(path).is(http.StatusOK))
		require.Equal(t, audited, h.audited(id))
		require.Len(t, h.control.jobs, jobs)
	})
}

func TestResume(t *testing.T) {
	t.Parallel()

	type bundle struct {
		*harness
		id, path string
	}
	setup := func(t *testing.T) *bundle {
		t.Helper()
		h := newHarness(t)
		d := h.deliver()
		path := subscriptionsPath + "/" + d.SubscriptionID
		h.do(http.MethodPost, path+"/pause", "").is(http.StatusOK)
		return &bundle{h, d.SubscriptionID, path}
	}

	t.Run("starts the job at the rate, and says who resumed it and why", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.do(http.MethodPost, b.path+"/resume", `{"rate":7,"reason":"repaired"}`, "Posthaste-Actor", "Jo").is(http.StatusAccepted)
		require.Equal(t, "active", got["status"])
		require.InDelta(t, 7, got["resume_rate"], 0)
		require.Equal(t, got, b.get(b.path).is(http.StatusOK))
		require.Equal(t, []models.Job{resumption(b.id, 7, models.Why{By: "Jo", Key: models.RootKey, Reason: "repaired"})}, b.control.jobs)
		require.Equal(t, "subscription.resume Jo: repaired", b.audited(b.id)[0])
	})

	t.Run("lets 50 a second go unless told otherwise", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.InDelta(t, 50, b.do(http.MethodPost, b.path+"/resume", `{"rate":null}`).is(http.StatusAccepted)["resume_rate"], 0)
		require.Equal(t, []models.Job{resumption(b.id, models.DefaultRate, models.Why{By: "api", Key: models.RootKey})}, b.control.jobs)
	})

	t.Run("again changes the rate if there is one, and nothing else", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(http.MethodPost, b.path+"/resume", `{"rate":7}`).is(http.StatusAccepted)
		audited := b.audited(b.id)
		require.InDelta(t, 7, b.do(http.MethodPost, b.path+"/resume", "").is(http.StatusAccepted)["resume_rate"], 0)
		require.Equal(t, audited, b.audited(b.id))
		require.InDelta(t, 9, b.do(http.MethodPost, b.path+"/resume", `{"rate":9}`).is(http.StatusAccepted)["resume_rate"], 0)
		require.Len(t, b.audited(b.id), len(audited)+1)
	})

	t.Run("changes nothing about what is active", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.subscribe()
		before := h.get(subscriptionsPath + "/" + id).is(http.StatusOK)
		require.Equal(t, before, h.do(http.MethodPost, subscriptionsPath+"/"+id+"/resume", `{"rate":7}`).is(http.StatusAccepted))
		require.Empty(t, h.control.jobs)
		require.Equal(t, []string{"subscription.create api: "}, h.audited(id))
	})

	t.Run("is promised while Temporal is away", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
		b.do(http.MethodPost, b.path+"/resume", "").is(http.StatusAccepted)
		require.Contains(t, b.logs.String(), "api.job_not_started")
		promised, err := b.store.ResumingSubscriptions(t.Context(), "", 10)
		require.NoError(t, err)
		require.Len(t, promised, 1)
	})
}

func TestPauseByPatch(t *testing.T) {
	t.Parallel()
	for _, status := range []models.SubscriptionStatus{models.SubscriptionActive, models.SubscriptionDisabled} {
		t.Run("and then "+string(status), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			d := h.deliver()
			path := subscriptionsPath + "/" + d.SubscriptionID
			h.do(http.MethodPatch, path, `{"status":"paused"}`).is(http.StatusOK)
			require.Equal(t, "held", h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)["status"])
			require.Empty(t, h.control.jobs)

			got := h.do(http.MethodPatch, path, `{"status":"`+string(status)+`"}`, "Posthaste-Actor", "Jo").is(http.StatusOK)
			require.Equal(t, string(status), got["status"])
			require.InDelta(t, 50, got["resume_rate"], 0)
			jobs := []models.Job{resumption(d.SubscriptionID, models.DefaultRate, models.Why{By: "Jo", Key: models.RootKey})}
			if status == models.SubscriptionDisabled {
				jobs = append(jobs, cancellation(d.SubscriptionID, models.Why{By: "Jo", Reason: "the subscription is disabled"}))
			}
			require.Equal(t, jobs, h.control.jobs)
		})
	}
}

func TestDeleteCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	path := subscriptionsPath + "/" + d.SubscriptionID
	h.do(http.MethodPost, path+"/pause", "").is(http.StatusOK)
	h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
	require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, path, "", "Posthaste-Actor", "Jo").status)
	require.Equal(t, "subscription.delete Jo: ", h.audited(d.SubscriptionID)[0])
	require.Equal(t, []models.Job{cancellation(d.SubscriptionID, models.Why{By: "Jo", Reason: "the subscription was deleted"})}, h.control.jobs)
}

func cancellation(subscriptionID string, why models.Why) models.Job {
	return (&models.Stop{Tenant: models.DefaultTenant, SubscriptionID: subscriptionID, Epoch: 2, Why: why}).Job()
}

// badRates are refused wherever a rate is taken.
var badRates = []string{"0", "-1", "1001", "1.5", "1e99", `"fast"`, "true", "[]"}

func TestBadRates(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	h.do(http.MethodPost, subscriptionsPath+"/"+d.SubscriptionID+"/pause", "").is(http.StatusOK)
	t.Cleanup(func() { require.Empty(t, h.control.jobs) }) // after all subtests
	for _, path := range []string{
		subscriptionsPath + "/" + d.SubscriptionID + "/resume", "/v1/events/" + d.EventID + "/redeliver",
	} {
		for _, rate := range badRates {
			t.Run(path+" refuses "+rate, func(t *testing.T) {
				t.Parallel()
				h.on(t).do(http.MethodPost, path, fmt.Sprintf(`{"rate":%s}`, rate)).
					isProblem(http.StatusBadRequest, models.CodeInvalid, "rate")
			})
		}
	}
}
