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

func (h *harness) subscriptionStats(query string, headers ...string) (page client.SubscriptionStatsPage) {
	h.t.Helper()
	a := h.do(http.MethodGet, "/v1/stats/subscriptions"+query, "", headers...)
	a.is(http.StatusOK)
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &page))
	return page
}

func TestSubscriptionStats(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 7, 30, 0, time.UTC)
	h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
	bad, idle := h.deliver(), h.subscribe()
	for i := range 2 {
		require.NoError(t, h.store.RecordAttempt(t.Context(), &models.Attempt{
			DeliveryID: bad.ID, Number: i + 1, StartedAt: now.Add(time.Duration(-12*i) * time.Hour), URL: "https://example.com/hook",
			Exchange: models.Exchange{ErrorClass: models.ErrorTimeout, Error: "no answer", Timing: models.Timing{Total: 10 * time.Millisecond}},
		}, models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: now}))
	}
	require.NoError(t, h.store.AddUpMarks(t.Context()))
	end := time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)

	t.Run("the worst come first, in pages, with points of the last day", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		page := h.subscriptionStats("?limit=1")
		require.Equal(t, []time.Time{end.Add(-24 * time.Hour), end}, []time.Time{page.Since.Time, page.Until.Time})
		require.Equal(t, client.Duration(time.Hour), page.Step)
		require.Len(t, page.Data, 1)
		one := page.Data[0]
		require.Equal(t, bad.SubscriptionID, one.ID)
		require.Equal(t, "example.com", one.Receiver)
		require.Equal(t, []int64{2, 0, 2}, []int64{one.Attempts, one.Succeeded, one.Failed[client.ErrorTimeout]})
		require.InDelta(t, 8.289, one.P95, 0.001)
		require.Equal(t, now.Truncate(time.Minute), one.LastFailureAt.Time)
		require.Equal(t, "no answer", one.LastError)
		require.Equal(t, client.Count{Count: 1}, one.Pending)
		require.Equal(t, []client.SparkPoint{
			{At: client.Timestamp{Time: end.Add(-13 * time.Hour)}, Attempts: 1}, {At: client.Timestamp{Time: end.Add(-time.Hour)}, Attempts: 1},
		}, one.Points)

		page = h.subscriptionStats("?limit=1&cursor=" + page.NextCursor)
		require.Equal(t, idle, page.Data[0].ID)
		require.Empty(t, page.Data[0].Points)
		require.Empty(t, page.NextCursor)
	})

	t.Run("a shorter time has shorter points, of whole minutes", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		page := h.subscriptionStats("?since=2026-03-01T12:00:00Z")
		require.Equal(t, client.Duration(time.Minute), page.Step)
		require.Equal(t, client.Duration(90*time.Minute), h.subscriptionStats("?since=2026-02-28T00:10:00Z").Step)
		require.EqualValues(t, 1, page.Data[0].Attempts)
	})

	t.Run("filters and orders", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		require.Empty(t, h.subscriptionStats("?status=paused").Data)
		require.Len(t, h.subscriptionStats("?q=EXAMPLE&sort=name").Data, 2)
		require.Empty(t, h.subscriptionStats("?q=hook").Data, "the path may be a credential")
	})

	t.Run("the key of a tenant sees the tenant's, and words of errors with the scope for deliveries", func(t *testing.T) {
		t.Parallel()
		h := h.on(t)
		require.Empty(t, h.subscriptionStats("", as(h.key("other"))...).Data)
		require.NotEmpty(t, h.subscriptionStats("", as(h.key("default"))...).Data[0].LastError)
		require.Empty(t, h.subscriptionStats("", as(h.key("default", models.ScopeReadStats))...).Data[0].LastError)
	})

	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		for query, field := range map[string]string{
			"sort=best": "sort", "status=odd": "status", "cursor=x": "cursor", "q=%00": "q",
			"since=2026-03-01T13:00:00Z": "since", "since=2000-01-01T00:00:00Z": "since",
		} {
			h.on(t).get("/v1/stats/subscriptions?"+query).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
	})
}
