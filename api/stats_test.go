package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

func (h *harness) series(query string, headers ...string) (s client.Series) {
	h.t.Helper()
	a := h.do(http.MethodGet, "/v1/stats/series"+query, "", headers...)
	a.is(http.StatusOK)
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &s))
	return s
}

func TestSeries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 7, 0, 0, time.UTC)
	h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
	d := h.deliver()
	for i, class := range []models.ErrorClass{models.ErrorTimeout, ""} {
		require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
			DeliveryID: d.ID, Number: i + 1, StartedAt: now.Add(time.Duration(i-2) * time.Minute), URL: "https://example.com/hook",
			Exchange: models.Exchange{ErrorClass: class, Timing: models.Timing{Total: 10 * time.Millisecond}},
		}, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: now}))
	}

	require.NoError(t, h.store.AddUpMarks(t.Context()))

	t.Run("by default the last day, in few points", func(t *testing.T) {
		t.Parallel()
		got := h.on(t).series("")
		require.Equal(t, client.Duration(15*time.Minute), got.Step)
		require.Equal(t, now.Add(-24*time.Hour).Truncate(15*time.Minute), got.Since.Time)
		require.Equal(t, []client.SeriesGroup{{Points: []client.SeriesPoint{{
			At: client.Timestamp{Time: now.Truncate(15 * time.Minute)}, Attempts: 2, Succeeded: 1,
			Failed: map[client.ErrorClass]int64{client.ErrorTimeout: 1}, P50: 8.289, P95: 8.289, P99: 8.289,
		}}}}, got.Groups)
	})

	t.Run("by the minute, of a group each", func(t *testing.T) {
		t.Parallel()
		got := h.on(t).series("?step=1m&since=2026-03-01T12:00:30Z&until=2026-03-01T13:00:00Z&group_by=subscription&event_type=" + d.EventType)
		require.Len(t, got.Groups, 1)
		require.Equal(t, d.SubscriptionID, got.Groups[0].Group)
		require.Len(t, got.Groups[0].Points, 2)
		require.Equal(t, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), got.Since.Time)
	})

	t.Run("the key of a tenant sees the tenant's", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		require.Empty(t, h.series("", as(h.key("other"))...).Groups)
		require.Len(t, h.series("", as(h.key("default"))...).Groups, 1)
	})

	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		for query, field := range map[string]string{
			"step=2m": "step", "group_by=tenant": "group_by", "since=2026-03-01T13:00:00Z&until=2026-03-01T12:00:00Z": "until",
			"subscription_id=x": "subscription_id",
		} {
			h.on(t).get("/v1/stats/series?"+query).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
	})
}
