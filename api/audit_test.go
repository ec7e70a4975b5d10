package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

const auditPath = "/v1/audit"

func TestAuditOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.subscribe()
	path := subscriptionsPath + "/" + id
	h.do(http.MethodPatch, path, `{"name":"new"}`, "Posthaste-Actor", "Jürgen (night shift)").is(http.StatusOK)
	h.do(http.MethodPost, path+"/rotate-secret", "", "Posthaste-Actor", " Kim ").is(http.StatusOK)
	h.do(http.MethodDelete, path, "", "Posthaste-Actor", "Lu")
	require.Equal(t, []string{
		"subscription.delete Lu: ", "subscription.rotate_secret Kim: ", "subscription.update Jürgen (night shift): ",
		"subscription.create api: ",
	}, h.audited(id))
}

func TestWhatIsRefusedIsNotAudited(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.subscribe()
	path := subscriptionsPath + "/" + id
	for _, actor := range badActors {
		for method, path := range map[string]string{
			http.MethodPatch: path, http.MethodDelete: path, http.MethodPost: path + "/rotate-secret",
		} {
			body := map[string]string{http.MethodPatch: `{"name":"new"}`}[method]
			h.do(method, path, body, "Posthaste-Actor", actor).isProblem(http.StatusBadRequest, models.CodeInvalid, "Posthaste-Actor")
		}
		h.do(http.MethodPost, subscriptionsPath, subscriptionBody, "Posthaste-Actor", actor).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "Posthaste-Actor")
	}
	h.do(http.MethodPatch, path, `{"url":"ftp://x"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "url")
	h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"-1s"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "grace")
	ids, _ := h.listed(auditPath)
	require.Len(t, ids, 1)
	require.Equal(t, []string{"subscription.create api: "}, h.audited(id))
}

func TestListAudit(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	event, delivery := models.NewID(models.EventPrefix), models.NewID(models.DeliveryPrefix)
	ids := make([]string, 3)
	for i, entry := range []models.AuditEntry{
		{Tenant: "x", Action: models.AuditCancelEvent, Subject: event, Why: models.Why{By: "Jo", Reason: "enough"}},
		{Tenant: "x", Action: models.AuditRedeliverDelivery, Subject: delivery, Why: models.Why{By: "Kim"}},
		{Tenant: "y", Action: models.AuditCancelEvent, Subject: models.NewID(models.EventPrefix), Why: models.Why{By: "Jo"}},
	} {
		entry.ID, entry.At = models.NewID(models.AuditPrefix), start.Add(time.Duration(i)*time.Hour)
		require.NoError(t, h.store.AddAudit(t.Context(), entry))
		ids[i] = entry.ID
	}
	a, b, c := ids[0], ids[1], ids[2]

	for query, want := range map[string][]string{
		"":                            {c, b, a},
		"?tenant=x":                   {b, a},
		"?action=event.cancel":        {c, a},
		"?subject=" + delivery:        {b},
		"?by=Jo":                      {c, a},
		"?by=" + url.QueryEscape("ü"): nil,
		"?since=2026-05-01T01:00:00Z": {c, b},
		"?until=2026-05-01T01:00:00Z": {a},
		"?tenant=x&by=Kim":            {b},
		"?tenant=y&action=event.cancel&since=2026-05-01T00:00:00Z&until=2026-05-02T00:00:00Z": {c},
	} {
		t.Run("filters by "+query, func(t *testing.T) {
			t.Parallel()
			got, _ := h.on(t).listed(auditPath + query)
			require.Equal(t, want, got)
		})
	}

	t.Run("shows who did what, when and why", func(t *testing.T) {
		t.Parallel()
		require.JSONEq(t, `{"data":[{"id":"`+a+`","at":"2026-05-01T00:00:00.000Z","tenant":"x","action":"event.cancel",
			"subject":"`+event+`","by":"Jo","reason":"enough"}]}`, h.on(t).get(auditPath+"?subject="+event).body)
	})

	t.Run("pages", func(t *testing.T) {
		t.Parallel()
		got, pages := h.on(t).walk(auditPath + "?limit=1")
		require.Equal(t, []string{c, b, a}, got)
		require.Equal(t, 3, pages)
	})

	for query, field := range map[string]string{
		"?action=event.lose": "action",
		"?subject=1":         "subject",
		"?subject=" + a:      "subject",
		"?by=%00":            "by",
		"?by=%FF":            "by",
		"?reason=enough":     "reason",
		"?since=yesterday":   "since",
		"?cursor=" + event:   "cursor",
		"?limit=0":           "limit",
		"?tenant=a%20b":      "tenant",
		"?since=2026-05-02T00:00:00Z&until=2026-05-02T00:00:00Z": "until",
	} {
		t.Run("refuses "+query, func(t *testing.T) {
			t.Parallel()
			h.on(t).get(auditPath+query).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		})
	}
}

func TestEveryActionCanBeListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, action := range models.AuditActions() {
		got, _ := h.listed(auditPath + "?action=" + string(action))
		require.Empty(t, got)
	}
}
