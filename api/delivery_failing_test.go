package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestFailingSince(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	attempt := &models.Attempt{DeliveryID: d.ID, Number: 1, StartedAt: started, Exchange: models.Exchange{ErrorClass: models.ErrorTimeout, Error: "no answer"}}
	require.NoError(t, h.store.RecordAttempt(t.Context(), attempt, models.DeliveryOutcome{
		Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour),
	}))
	since := started.Format(models.TimeFormat)
	require.Equal(t, since, h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)["failing_since"])
	require.Equal(t, since, h.get(subscriptionsPath + "/" + d.SubscriptionID).is(http.StatusOK)["failing_since"])
	require.Contains(t, h.get(subscriptionsPath).body, `"failing_since":"`+since+`"`)
}

func TestHaltedInTemporal(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := h.deliver()
	_, err := h.store.HaltDelivery(t.Context(), d.ID, "paused in Temporal by Jo", models.AuditEntry{Action: models.AuditHaltDelivery})
	require.NoError(t, err)
	got := h.get(deliveriesPath + "/" + d.ID).is(http.StatusOK)
	require.Equal(t, "held", got["status"])
	require.Equal(t, "paused in Temporal by Jo", got["reason"])
	require.NotContains(t, got, "next_attempt_at")
	ids, _ := h.listed(deliveriesPath + "?status=held")
	require.Equal(t, []string{d.ID}, ids)
	ids, _ = h.listed(deliveriesPath + "?status=pending")
	require.Empty(t, ids)
}
