package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestMetrics(t *testing.T) {
	t.Parallel()

	t.Run("count what comes to sources, and why it is refused", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source := h.source(`{"provider":"github","credentials":[{"secret":"` + hush + `"}]}`)
		h.push(source, "push", "one", `{"n":1}`).isEmpty()
		h.post(http.MethodPost, "/in/"+source, `{}`, "X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+sign("wrong", `{}`)).
			isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		h.post(http.MethodPost, "/in/"+source, `{}`).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		shown := h.get("/metrics")
		require.Equal(t, http.StatusOK, shown.status)
		for _, line := range []string{
			`posthaste_webhooks_total{outcome="accepted",provider="github"} 1`,
			`posthaste_webhooks_total{outcome="no_match",provider="github"} 1`,
			`posthaste_webhooks_total{outcome="not_signed",provider="github"} 1`,
			"posthaste_events_accepted_total 1", "posthaste_backlog_events 1", "go_goroutines ",
		} {
			require.Contains(t, shown.body, line)
		}
		require.NotContains(t, shown.body, source)
	})

	t.Run("need the key", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.post(http.MethodGet, "/metrics", "").isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
	})
}

func TestStats(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	require.JSONEq(t, `{"backlog":{"events":0,"age":"0s"}}`, h.get("/v1/stats").body)
	first := h.publish(eventBody)
	h.publish(eventBody)
	stats := h.get("/v1/stats").is(http.StatusOK)
	backlog, _ := stats["backlog"].(map[string]any)
	require.InDelta(t, 2, backlog["events"], 0)
	require.Equal(t, h.get("/v1/events/" + first).is(http.StatusOK)["created_at"], backlog["oldest_at"])
	_, err := h.store.PlanDeliveries(t.Context(), first, nil)
	require.NoError(t, err)
	stats = h.get("/v1/stats").is(http.StatusOK)
	backlog, _ = stats["backlog"].(map[string]any)
	require.InDelta(t, 1, backlog["events"], 0)
}
