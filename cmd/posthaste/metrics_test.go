package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/pgtest"
)

// fetch returns the status and the text of a page.
func fetch(t *testing.T, url string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// captured are the first groups of all matches, sorted and each once.
func captured(pattern, text string) (all []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestMetricsAreDocumented delivers an event and compares the metrics with the table of the operators' page.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	c := measuredDev(t)
	n := newNode(quiet)
	t.Cleanup(func() { require.NoError(t, n.stop()) })
	require.NoError(t, c.start(t.Context(), n))
	receiver := newSink(t, 204)
	sub := n.subscribe(t, receiver.url)
	source := n.post(t, "/v1/sources", `{"provider":"github","credentials":[{"secret":"long-enough-for-github"}]}`, http.StatusCreated)
	n.post(t, "/in/"+captured(`"id":"(src_\w+)"`, source)[0], `{}`, http.StatusUnauthorized)
	event := captured(`"id":"(evt_\w+)"`, n.post(t, "/v1/events", `{"type":"order.paid","data":{},"tenant":"acme"}`, http.StatusAccepted))[0]
	own := n.post(t, "/v1/events", `{"type":"order.paid","data":{}}`, http.StatusAccepted)
	require.NotEmpty(t, own)

	address := "http://" + n.metricsListener.Addr().String()
	var shown string
	require.Eventually(t, func() bool {
		_, shown = fetch(t, address+"/metrics")
		return strings.Contains(shown, `posthaste_attempts_total{error_class="none",outcome="delivered"} 1`)
	}, deliveryLimit, 50*time.Millisecond)
	for _, line := range []string{
		"posthaste_events_accepted_total 2", "posthaste_attempt_duration_seconds_count 1",
		"posthaste_first_attempt_delay_seconds_count 1", "posthaste_delivery_delay_seconds_count 1",
	} {
		require.Contains(t, shown, line+"\n")
	}
	require.Regexp(t, `posthaste_commit_writes_count [1-9]`, shown)
	require.Regexp(t, `posthaste_commit_wait_seconds_count [1-9]`, shown)
	for _, private := range []string{"acme", event, sub.ID, receiver.url} {
		require.NotContains(t, shown, private)
	}
	page, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	require.Equal(t, captured(`alert: (\w+)`, string(rules)), captured("(?m)^\\| `(Posthaste\\w+)", string(page)))
	documented := captured("(?m)^\\| `(posthaste_\\w+)", string(page))
	require.Equal(t, captured(`(?m)^# TYPE (posthaste_\w+)`, shown), slices.DeleteFunc(documented, isOfTenant))
	require.Subset(t, captured("(?m)^\\| `(temporal_\\w+)", string(page)), captured(`(?m)^# TYPE (temporal_\w+)`, shown))
	require.Regexp(t, `temporal_request_total{operation="StartWorkflowExecution"} [1-9]`, shown)
	require.Regexp(t, `temporal_server_persistence_requests_total{operation="CreateWorkflowExecution"} [1-9]`, shown)
}

// isOfTenant reports whether a series is shown with --metrics-tenants only.
func isOfTenant(series string) bool { return strings.HasPrefix(series, "posthaste_tenant_") }

// TestMetricsOfTenants switches on the counters by tenant.
func TestMetricsOfTenants(t *testing.T) {
	t.Parallel()
	n := newNode(quiet)
	t.Cleanup(func() { require.NoError(t, n.stop()) })
	c := measuredDev(t)
	c.MetricsTenants = 1
	require.NoError(t, c.start(t.Context(), n))
	n.subscribe(t, newSink(t, 204).url)
	n.post(t, "/v1/events", `{"type":"order.paid","data":{}}`, http.StatusAccepted)
	n.post(t, "/v1/events", `{"type":"order.paid","data":{},"tenant":"acme"}`, http.StatusAccepted)
	require.Eventually(t, func() bool {
		_, shown := fetch(t, n.metricsURL())
		return strings.Contains(shown, `posthaste_tenant_attempts_total{outcome="delivered",tenant="default"} 1`) &&
			strings.Contains(shown, `posthaste_tenant_events_accepted_total{tenant="other"} 1`) && !strings.Contains(shown, "acme")
	}, deliveryLimit, 50*time.Millisecond)
}

// measuredDev is a dev with an address for its metrics.
func measuredDev(t *testing.T) devCmd {
	t.Helper()
	return devCmd{
		API:      config.API{Listen: "127.0.0.1:0", MaxBody: 1 << 20},
		DevStore: config.DevStore{Data: t.TempDir()},
		Engine:   config.Engine{TemporalListen: "127.0.0.1:0", UIListen: "127.0.0.1:0", HistoryRetention: 24 * time.Hour},
		Metrics:  config.Metrics{MetricsListen: "127.0.0.1:0"},
	}
}

// post makes a call to the API and returns its answer.
func (n *node) post(t *testing.T, path, body string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.apiURL()+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, "%s", answer)
	return string(answer)
}

// TestWorkerShowsItself probes a worker without an API, whose Temporal is away.
func TestWorkerShowsItself(t *testing.T) {
	t.Parallel()
	env := append(serverEnv(pgtest.URL(t)), "TEMPORAL_ADDRESS=127.0.0.1:1")
	require.Zero(t, start(t, env, "migrate", "up").exitCode())
	p := start(t, env, "worker", "--metrics-listen", "127.0.0.1:0")
	metrics := p.find(`\bmetrics=(http://\S+)`)
	status, shown := fetch(t, metrics)
	require.Equal(t, http.StatusOK, status)
	for _, name := range []string{"posthaste_build_info{", "posthaste_backlog_events 0", "go_sql_open_connections{", "posthaste_attempt_duration_seconds_count 0", "go_goroutines "} {
		require.Contains(t, shown, name)
	}
	status, shown = fetch(t, strings.Replace(metrics, "/metrics", "/healthz", 1))
	require.Equal(t, http.StatusOK, status, shown)
	status, shown = fetch(t, strings.Replace(metrics, "/metrics", "/readyz", 1))
	require.Equal(t, http.StatusOK, status, shown)
	require.Contains(t, shown, `"temporal":"away"`)
	require.Zero(t, start(t, nil, "health", "--listen", captured(`//([^/]+)/`, metrics)[0]).exitCode())
	require.Zero(t, p.interrupt())
}
