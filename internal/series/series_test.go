package series_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/series"
)

func TestClient(t *testing.T) {
	t.Parallel()

	t.Run("shows the tags of the list, and no others", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		root := series.NewClient(registry)
		call := root.WithTags(map[string]string{"namespace": "private", "operation": "StartWorkflowExecution", "task_queue": "private"})
		call.Counter("temporal_request").Inc(2)
		call.WithTags(map[string]string{"status_code": "Unavailable"}).Counter("temporal_request_failure").Inc(1)
		call.Timer("temporal_request_latency").Record(1500 * time.Millisecond)
		root.WithTags(map[string]string{"worker_type": "ActivityWorker"}).Gauge("temporal_worker_task_slots_used").Update(7)
		root.Counter("temporal_request").Inc(1)

		shown := text(t, registry)
		for _, want := range []string{
			`temporal_request_total{operation="StartWorkflowExecution"} 2`, `temporal_request_total{operation=""} 1`,
			`temporal_request_failure_total{status_code="Unavailable"} 1`, `temporal_request_failure_total{status_code="DeadlineExceeded"} 0`, `temporal_sticky_cache_hit_total 0`,
			`temporal_request_latency_seconds_sum{operation="StartWorkflowExecution"} 1.5`,
			`temporal_worker_task_slots_used{worker_type="ActivityWorker"} 7`,
		} {
			require.Contains(t, shown, want)
		}
		require.NotContains(t, shown, "private")
	})

	t.Run("shows nothing that is not in the list", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		root := series.NewClient(registry)
		root.Counter("temporal_unknown").Inc(1)
		root.Gauge("temporal_request").Update(1)
		root.Timer("temporal_unknown").Record(time.Second)
		require.NotRegexp(t, `_total\S* [1-9]|unknown|_count\S* [1-9]`, text(t, registry))
	})
}

func TestListWithTooManyLabels(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() {
		labels := strings.Split("a b c d e f g h i", " ")
		series.New(prometheus.NewRegistry(), "", series.List{Counters: []series.Metric{{Name: "x", Labels: labels}}})
	})
}

// text is what a scrape shows.
func text(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	return recorder.Body.String()
}

// BenchmarkCall measures a call to Temporal: a counter and a timer with the operation.
func BenchmarkCall(b *testing.B) {
	root := series.NewClient(prometheus.NewRegistry()).WithTags(map[string]string{"namespace": "posthaste"})
	tags := map[string]string{"operation": "StartWorkflowExecution", "namespace": "posthaste"}
	b.ReportAllocs()
	for b.Loop() {
		call := root.WithTags(tags)
		call.Counter("temporal_request").Inc(1)
		call.Timer("temporal_request_latency").Record(time.Millisecond)
	}
}

// BenchmarkUnknown measures what a metric costs that is not in the list.
func BenchmarkUnknown(b *testing.B) {
	root := series.NewClient(prometheus.NewRegistry())
	tags := map[string]string{"namespace": "posthaste"}
	b.ReportAllocs()
	for b.Loop() {
		root.WithTags(tags).Counter("temporal_unknown").Inc(1)
	}
}
