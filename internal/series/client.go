package series

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// NewClient registers the metrics of Temporal's client and worker that an operator needs, and returns the handler that measures
// them.
func NewClient(registry prometheus.Registerer) client.MetricsHandler {
	return &clientHandler{set: New(registry, "", ofClient)}
}

var ofClient = List{
	Counters: []Metric{
		{Name: "temporal_request", Help: "Calls to Temporal.", Labels: []string{"operation"}, First: []string{"StartWorkflowExecution"}},
		{Name: "temporal_request_failure", Help: "Calls to Temporal that failed.", Labels: []string{"status_code"}, First: failureCodes},
		{Name: "temporal_long_request_failure", Help: "Polls for tasks, and other long calls, that failed.", Labels: []string{"status_code"}, First: failureCodes},
		{Name: "temporal_workflow_task_execution_failed", Help: "Workflow tasks that failed and come again.", Labels: []string{"failure_reason"}, First: []string{"WorkflowError", "NonDeterminismError"}},
		{Name: "temporal_activity_execution_failed", Help: "Activities that failed and come again, for a reason of ours.", Labels: []string{"activity_type"}, First: []string{"AttemptDelivery"}},
		{Name: "temporal_local_activity_execution_failed", Help: "Local activities that failed and come again, for a reason of ours.", Labels: []string{"activity_type"}, First: []string{"PlanDeliveries"}},
		{Name: "temporal_sticky_cache_hit", Help: "Workflow tasks whose workflow was in memory."},
		{Name: "temporal_sticky_cache_miss", Help: "Workflow tasks whose workflow was read from its history."},
		{Name: "temporal_sticky_cache_total_forced_eviction", Help: "Workflows that left the memory."},
	},
	Gauges: []Metric{
		{Name: "temporal_worker_task_slots_available", Help: "Further tasks that the worker can take.", Labels: []string{"worker_type"}},
		{Name: "temporal_worker_task_slots_used", Help: "Tasks that the worker works on.", Labels: []string{"worker_type"}},
		{Name: "temporal_num_pollers", Help: "Polls for tasks that are under way.", Labels: []string{"poller_type"}},
		{Name: "temporal_sticky_cache_size", Help: "Workflows in memory."},
	},
	Timers: []Metric{
		{Name: "temporal_request_latency", Help: "Time that calls to Temporal took.", Labels: []string{"operation"}, First: []string{"StartWorkflowExecution"}},
		{Name: "temporal_workflow_task_schedule_to_start_latency", Help: "Time that workflow tasks waited for a worker."},
		{Name: "temporal_workflow_task_execution_latency", Help: "Time that workflow tasks took.", Labels: []string{"workflow_type"}},
		{Name: "temporal_workflow_task_replay_latency", Help: "Time that reading histories took."},
		{Name: "temporal_activity_schedule_to_start_latency", Help: "Time that activities waited for a worker."},
		{Name: "temporal_activity_execution_latency", Help: "Time that activities took.", Labels: []string{"activity_type"}},
		{Name: "temporal_local_activity_execution_latency", Help: "Time that local activities took.", Labels: []string{"activity_type"}},
	},
}

var failureCodes = []string{"Unavailable", "DeadlineExceeded", "ResourceExhausted"}

// clientHandler measures for Temporal's client.
type clientHandler struct {
	set  *Set
	tags Tags
}

// WithTags implements client.MetricsHandler.
func (h *clientHandler) WithTags(tags map[string]string) client.MetricsHandler {
	with := h
	for key, value := range tags {
		if !h.set.Keeps(key) {
			continue
		}
		if with == h {
			with = &clientHandler{h.set, h.tags}
		}
		h.set.Put(&with.tags, key, value)
	}
	return with
}

// Counter implements client.MetricsHandler.
func (h *clientHandler) Counter(name string) client.MetricsCounter {
	if counter := h.set.Counter(name); counter != nil {
		return clientCounter{counter.With(&h.tags)}
	}
	return client.MetricsNopHandler.Counter(name)
}

// Gauge implements client.MetricsHandler.
func (h *clientHandler) Gauge(name string) client.MetricsGauge {
	if gauge := h.set.Gauge(name); gauge != nil {
		return clientGauge{gauge.With(&h.tags)}
	}
	return client.MetricsNopHandler.Gauge(name)
}

// Timer implements client.MetricsHandler.
func (h *clientHandler) Timer(name string) client.MetricsTimer {
	if timer := h.set.Timer(name); timer != nil {
		return clientTimer{timer.With(&h.tags)}
	}
	return client.MetricsNopHandler.Timer(name)
}

type (
	clientCounter struct{ prometheus.Counter }
	clientGauge   struct{ prometheus.Gauge }
	clientTimer   struct{ prometheus.Observer }
)

// Inc implements client.MetricsCounter.
func (c clientCounter) Inc(by int64) { c.Add(float64(by)) }

// Update implements client.MetricsGauge.
func (g clientGauge) Update(to float64) { g.Set(to) }

// Record implements client.MetricsTimer.
func (t clientTimer) Record(took time.Duration) { t.Observe(took.Seconds()) }
