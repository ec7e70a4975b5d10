package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

const recoveriesPath = "/v1/recoveries"

// recover asks for a recovery of the subscription since the year 2000.
func (h *harness) recover(subscriptionID, more string, headers ...string) *answer {
	h.t.Helper()
	body := fmt.Sprintf(`{"subscription_id":%q,"since":"2000-01-01T00:00:00Z"%s}`, subscriptionID, more)
	return h.do(http.MethodPost, recoveriesPath, body, headers...)
}

func TestStartRecovery(t *testing.T) {
	t.Parallel()
	since := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	now := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)

	t.Run("answers with everything, starts the job and is audited", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(now))
		d := h.closed(models.DeliveryExhausted)
		a := h.recover(d.SubscriptionID, `,"rate":7,"reason":"outage"`, "Posthaste-Actor", "Jo")
		id := text(t, a.is(http.StatusAccepted)["id"])
		stamp := now.Format(models.TimeFormat)
		require.JSONEq(t, `{
			"id":"`+id+`", "tenant":"default", "subscription_id":"`+d.SubscriptionID+`", "status":"running",
			"recovers":"exhausted", "since":"2000-01-01T00:00:00.000Z", "until":"`+stamp+`", "rate":7, "by":"Jo", "reason":"outage",
			"total":1, "done":0, "skipped":0, "created_at":"`+stamp+`", "updated_at":"`+stamp+`",
			"links":{
				"self":"/v1/recoveries/`+id+`", "subscription":"/v1/subscriptions/`+d.SubscriptionID+`",
				"workflow":"http://ui.test/namespaces/posthaste/workflows/recovery%2F`+id+`"}}`, a.body)
		require.Equal(t, "/v1/recoveries/"+id, a.header.Get("Location"))
		require.JSONEq(t, a.body, h.get(recoveriesPath+"/"+id).body)
		require.Equal(t, []models.Job{{
			Action: models.JobRedeliver, Tenant: models.DefaultTenant, Rate: 7, RecoveryID: id, Epoch: 1,
			Why: models.Why{By: "Jo", Key: models.RootKey, Reason: "outage"}, Selection: models.Selection{
				SubscriptionID: d.SubscriptionID, Statuses: []models.DeliveryStatus{models.DeliveryExhausted},
				Since: since, Until: now,
			},
		}}, h.control.jobs)
		require.Equal(t, []string{"recovery.start Jo: outage"}, h.audited(id))
	})

	for of, total := range map[models.RecoveryOf]float64{
		models.RecoverExhausted: 1, models.RecoverCancelled: 0, models.RecoverDelivered: 0, models.RecoverMissing: 2,
	} {
		t.Run("counts and selects what is "+string(of), func(t *testing.T) {
			t.Parallel()
			clock := now
			h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return clock } })
			for range 2 {
				h.plan(h.publish(eventBody)) // before there is a subscription
			}
			d := h.closed(models.DeliveryExhausted)
			clock = now.Add(time.Second)
			got := h.recover(d.SubscriptionID, fmt.Sprintf(`,"status":%q`, of)).is(http.StatusAccepted)
			require.Equal(t, string(of), got["recovers"])
			require.InDelta(t, total, got["total"], 0)
			require.InDelta(t, models.DefaultRate, got["rate"], 0)
			require.Len(t, h.control.jobs, 1)
			action, statuses := models.JobRedeliver, []models.DeliveryStatus{models.DeliveryStatus(of)}
			if of == models.RecoverMissing {
				action, statuses = models.JobDeliver, nil
			}
			require.Equal(t, action, h.control.jobs[0].Action)
			require.Equal(t, statuses, h.control.jobs[0].Selection.Statuses)
		})
	}

	t.Run("ends now at the latest", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(now))
		id := h.subscribe()
		for until, want := range map[string]string{
			`,"until":"2000-01-02T01:00:00+01:00"`: "2000-01-02T00:00:00.000Z",
			`,"until":"2100-01-01T00:00:00Z"`:      now.Format(models.TimeFormat),
			`,"until":null`:                        now.Format(models.TimeFormat),
		} {
			require.Equal(t, want, h.recover(id, until+`,"dry_run":true`).is(http.StatusOK)["until"])
		}
	})

	t.Run("is dry when asked to be", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(now))
		d := h.closed(models.DeliveryExhausted)
		a := h.recover(d.SubscriptionID, `,"dry_run":true,"tenant":"default","reason":"to see"`)
		a.is(http.StatusOK)
		require.JSONEq(t, `{"dry_run":true, "tenant":"default", "subscription_id":"`+d.SubscriptionID+`",
			"recovers":"exhausted", "since":"2000-01-01T00:00:00.000Z", "until":"`+now.Format(models.TimeFormat)+`",
			"rate":50, "by":"api", "reason":"to see", "total":1}`, a.body)
		h.requireNoRecovery()
	})

	t.Run("is one at a time for a subscription", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.subscribe()
		first := text(t, h.recover(id, "").is(http.StatusAccepted)["id"])
		require.Contains(t, h.recover(id, "").isProblem(http.StatusConflict, models.CodeConflict, ""), first)
		h.recover(h.subscribe(), "").is(http.StatusAccepted)
		require.Len(t, h.control.jobs, 2)
	})

	t.Run("is not for a subscription that is disabled, but for one that is paused", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.subscribe()
		h.do(http.MethodPatch, subscriptionsPath+"/"+id, `{"status":"disabled"}`).is(http.StatusOK)
		for _, more := range []string{"", `,"dry_run":true`} {
			require.Contains(t, h.recover(id, more).isProblem(http.StatusConflict, models.CodeConflict, ""), "disabled")
		}
		h.requireNoRecovery()
		h.do(http.MethodPatch, subscriptionsPath+"/"+id, `{"status":"paused"}`).is(http.StatusOK)
		h.recover(id, "").is(http.StatusAccepted)
	})

	t.Run("is promised while Temporal is away", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
		id := text(t, h.recover(h.subscribe(), "").is(http.StatusAccepted)["id"])
		require.Contains(t, h.logs.String(), "api.job_not_started")
		require.Equal(t, "running", h.get(recoveriesPath + "/" + id).is(http.StatusOK)["status"])
	})
}

// requireNoRecovery makes sure that none was stored, started or audited.
func (h *harness) requireNoRecovery() {
	h.t.Helper()
	require.JSONEq(h.t, `{"data":[]}`, h.get(recoveriesPath).body)
	require.JSONEq(h.t, `{"data":[]}`, h.get(auditPath+"?action=recovery.start").body)
	for _, job := range h.control.jobs {
		require.Empty(h.t, job.RecoveryID)
	}
}

var badRecoveries = map[string]struct{ body, field, detail string }{
	"nothing":              {``, "", "is empty"},
	"no subscription":      {`{"since":"2000-01-01T00:00:00Z"}`, "subscription_id", "must be an id"},
	"an odd subscription":  {`{"subscription_id":"1","since":"2000-01-01T00:00:00Z"}`, "subscription_id", "sub_"},
	"a list of them":       {`{"subscription_id":[]}`, "subscription_id", "must be a string"},
	"no since":             {`{SUB}`, "since", "is required"},
	"a null since":         {`{SUB,"since":null}`, "since", "is required"},
	"a number as since":    {`{SUB,"since":946684800}`, "since", "not a number"},
	"a day as since":       {`{SUB,"since":"2000-01-01"}`, "since", `"2000-01-01" is not a time`},
	"a since to come":      {`{SUB,"since":"2100-01-01T00:00:00Z"}`, "since", "in the past"},
	"no time between":      {`{SUB,"since":"2000-01-01T00:00:00Z","until":"2000-01-01T00:00:00Z"}`, "since", "before until"},
	"an odd until":         {`{SUB,"since":"2000-01-01T00:00:00Z","until":"now"}`, "until", "is not a time"},
	"pending ones":         {`{SUB,"since":"2000-01-01T00:00:00Z","status":"pending"}`, "status", "is not one of: exhausted"},
	"an empty status":      {`{SUB,"since":"2000-01-01T00:00:00Z","status":""}`, "status", "is not one of"},
	"no rate at all":       {`{SUB,"since":"2000-01-01T00:00:00Z","rate":0}`, "rate", "1 to 1000"},
	"a high rate":          {`{SUB,"since":"2000-01-01T00:00:00Z","rate":1001}`, "rate", "1 to 1000"},
	"half a rate":          {`{SUB,"since":"2000-01-01T00:00:00Z","rate":0.5}`, "rate", "must be a whole number"},
	"a word as dry_run":    {`{SUB,"since":"2000-01-01T00:00:00Z","dry_run":"yes"}`, "dry_run", "true or false"},
	"a reason that is odd": {`{SUB,"since":"2000-01-01T00:00:00Z","reason":"\u0000"}`, "reason", "not allowed"},
	"a number as tenant":   {`{SUB,"since":"2000-01-01T00:00:00Z","tenant":1}`, "tenant", "must be a string"},
	"an unknown field":     {`{SUB,"since":"2000-01-01T00:00:00Z","recovers":"missing"}`, "recovers", "is not a known field"},
}

func TestBadRecoveries(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	sub := fmt.Sprintf(`"subscription_id":%q`, h.subscribe())
	t.Cleanup(func() { // after all subtests
		found, err := h.store.Recoveries(context.Background(), models.RecoveryFilter{})
		require.NoError(t, err)
		require.Empty(t, found)
		require.Empty(t, h.control.jobs)
	})
	for name, bad := range badRecoveries {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			detail := h.on(t).do(http.MethodPost, recoveriesPath, strings.Replace(bad.body, "SUB", sub, 1)).
				isProblem(http.StatusBadRequest, models.CodeInvalid, bad.field)
			require.Contains(t, detail, bad.detail)
		})
	}
	for name, bad := range badActors {
		t.Run("refuses "+name+" as actor", func(t *testing.T) {
			t.Parallel()
			h.on(t).do(http.MethodPost, recoveriesPath, `{`+sub+`,"since":"2000-01-01T00:00:00Z"}`, "Posthaste-Actor", bad).
				isProblem(http.StatusBadRequest, models.CodeInvalid, "Posthaste-Actor")
		})
	}
}

func TestRecoveryOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	unknown, id := models.NewID(models.SubscriptionPrefix), h.subscribe()
	require.Contains(t, h.recover(unknown, "").isProblem(http.StatusNotFound, models.CodeNotFound, ""), unknown)
	for _, tenant := range []string{"acme", "", "a b"} { // another tenant's is as good as none
		detail := h.recover(id, fmt.Sprintf(`,"tenant":%q`, tenant)).isProblem(http.StatusNotFound, models.CodeNotFound, "")
		require.Equal(t, fmt.Sprintf("there is no subscription %q", id), detail)
	}
	h.requireNoRecovery()
}

func TestListRecoveries(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := text(t, h.recover(h.subscribe(), "").is(http.StatusAccepted)["id"])
	acme := text(t, h.do(http.MethodPost, subscriptionsPath, `{"tenant":"acme",`+goodSub+`}`).is(http.StatusCreated)["id"])
	second := text(t, h.recover(acme, `,"tenant":"acme"`).is(http.StatusAccepted)["id"])
	h.do(http.MethodPost, recoveriesPath+"/"+first+"/cancel", "").is(http.StatusAccepted)

	for query, want := range map[string][]string{
		"":                              {second, first},
		"?tenant=acme":                  {second},
		"?subscription_id=" + acme:      {second},
		"?status=cancelled":             {first},
		"?status=running":               {second},
		"?status=completed":             nil,
		"?tenant=acme&status=cancelled": nil,
		"?limit=1":                      {second},
	} {
		got, _ := h.listed(recoveriesPath + query)
		require.Equal(t, want, got, query)
	}
	got, pages := h.walk(recoveriesPath + "?limit=1")
	require.Equal(t, []string{second, first}, got)
	require.Equal(t, 2, pages)

	for query, field := range map[string]string{
		"?status=pending": "status", "?subscription_id=1": "subscription_id", "?since=2000-01-01T00:00:00Z": "since",
		"?cursor=" + first: "cursor", "?limit=201": "limit", "?tenant=": "tenant",
	} {
		h.get(recoveriesPath+query).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
	}
}

func TestCancelRecovery(t *testing.T) {
	t.Parallel()

	t.Run("stops it for good, and says who stopped it and why", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := text(t, h.recover(h.subscribe(), "").is(http.StatusAccepted)["id"])
		_, err := h.store.SaveProgress(t.Context(), id, models.Progress{After: "dlv_1", Done: 5, Skipped: 2})
		require.NoError(t, err)
		path := recoveriesPath + "/" + id
		got := h.do(http.MethodPost, path+"/cancel", `{"reason":"enough"}`, "Posthaste-Actor", "Jo").is(http.StatusAccepted)
		require.Equal(t, "cancelled", got["status"])
		require.NotEmpty(t, got["finished_at"])
		require.InDelta(t, 5, got["done"], 0)
		require.InDelta(t, 2, got["skipped"], 0)
		require.Equal(t, []string{"recovery.cancel Jo: enough", "recovery.start api: "}, h.audited(id))
		require.Equal(t, got, h.get(path).is(http.StatusOK))

		require.Contains(t, h.do(http.MethodPost, path+"/cancel", "").isProblem(http.StatusConflict, models.CodeConflict, ""), "cancelled")
		require.Len(t, h.audited(id), 2)
	})

	t.Run("is not for one that is completed", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := text(t, h.recover(h.subscribe(), "").is(http.StatusAccepted)["id"])
		_, err := h.store.FinishRecovery(t.Context(), id, models.RecoveryCompleted)
		require.NoError(t, err)
		detail := h.do(http.MethodPost, recoveriesPath+"/"+id+"/cancel", "").isProblem(http.StatusConflict, models.CodeConflict, "")
		require.Contains(t, detail, "completed")
		require.Equal(t, []string{"recovery.start api: "}, h.audited(id))
	})

	t.Run("is not for one that completes at that moment", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.Store = completing{d.Store} })
		id := text(t, h.recover(h.subscribe(), "").is(http.StatusAccepted)["id"])
		detail := h.do(http.MethodPost, recoveriesPath+"/"+id+"/cancel", "").isProblem(http.StatusConflict, models.CodeConflict, "")
		require.Contains(t, detail, "completed")
		require.Equal(t, []string{"recovery.start api: "}, h.audited(id))
	})
}

// completing is a store in which a recovery completes just before it would be finished in another way.
type completing struct{ api.Store }

func (s completing) FinishRecovery(
	ctx context.Context, id string, status models.RecoveryStatus, audit ...models.AuditEntry,
) (*models.Recovery, error) {
	if _, err := s.Store.FinishRecovery(ctx, id, models.RecoveryCompleted); err != nil {
		return nil, err
	}
	return s.Store.FinishRecovery(ctx, id, status, audit...)
}
