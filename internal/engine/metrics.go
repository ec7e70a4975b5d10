package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"

	"github.com/posthaste/posthaste/internal/series"
)

// metricsPrefix tells the metrics of this Temporal from those of a cluster that the same Prometheus may watch.
const metricsPrefix = "temporal_server_"

// newMetrics returns the handler of Temporal's metrics. Temporal has some six hundred; the list names what says
// whether it keeps up, and what is wrong if not.
func newMetrics(registry prometheus.Registerer) metrics.Handler {
	if registry == nil {
		return metrics.NoopMetricsHandler
	}
	return &measurer{set: series.New(registry, metricsPrefix, measured)}
}

var measured = series.List{
	Counters: []series.Metric{
		{Name: "service_requests", Help: "Requests to Temporal's services.", Labels: []string{"service_name"}},
		{Name: "service_error_with_type", Help: "Requests that failed, by type of error; some are usual, such as NotFound.", Labels: []string{"error_type"}},
		{Name: "service_errors_resource_exhausted", Help: "Requests that were refused because of a limit.", Labels: []string{"resource_exhausted_cause"}},
		{Name: "service_panics", Help: "Panics in a service."},
		{Name: "persistence_requests", Help: "Calls to the database.", Labels: []string{"operation"}},
		{Name: "persistence_error_with_type", Help: "Calls to the database that failed, by type of error; NotFound is usual.", Labels: []string{"error_type"}},
		{Name: "visibility_persistence_requests", Help: "Calls to the database of the lists of workflows.", Labels: []string{"operation"}},
		{Name: "visibility_persistence_error_with_type", Help: "Calls to the database of the lists that failed, by type of error.", Labels: []string{"error_type"}},
		{Name: "task_errors", Help: "Internal tasks that failed and come again."},
		{Name: "poll_success", Help: "Polls of workers that got a task.", Labels: []string{"task_type"}},
		{Name: "poll_timeouts", Help: "Polls of workers that ended without a task.", Labels: []string{"task_type"}},
		{Name: "workflow_success", Help: "Workflows that ended well."},
		{Name: "workflow_failed", Help: "Workflows that failed, such as those of dead letters."},
		{Name: "workflow_cancel", Help: "Workflows that were cancelled."},
		{Name: "workflow_terminate", Help: "Workflows that were terminated."},
		{Name: "workflow_timeout", Help: "Workflows that timed out."},
		{Name: "start_to_close_timeout", Help: "Activities and workflow tasks whose worker did not answer in time."},
		{Name: "heartbeat_timeout", Help: "Activities whose worker fell silent."},
		{Name: "data_loss_errors", Help: "Data that could not be read."},
		{Name: "dd_suspected_deadlocks", Help: "Suspected deadlocks."},
	},
	Gauges: []series.Metric{
		{Name: "persistence_sql_open_conn", Help: "Connections to the database.", Labels: []string{"db_kind"}},
		{Name: "persistence_sql_in_use", Help: "Connections to the database in use.", Labels: []string{"db_kind"}},
	},
	Timers: []series.Metric{
		{Name: "persistence_latency", Help: "Time that calls to the database took."},
		{Name: "visibility_persistence_latency", Help: "Time that calls to the database of the lists of workflows took."},
		{Name: "task_latency", Help: "Time from the origin of an internal task to its end."},
		{Name: "asyncmatch_latency", Help: "Time that tasks waited in the database for a worker.", Labels: []string{"task_type"}},
	},
}

// measurer measures for Temporal.
type measurer struct {
	set  *series.Set
	tags series.Tags
}

// WithTags implements metrics.Handler.
func (m *measurer) WithTags(tags ...metrics.Tag) metrics.Handler { return m.with(tags) }

func (m *measurer) with(tags []metrics.Tag) *measurer {
	with := m
	for _, tag := range tags {
		if !m.set.Keeps(tag.Key) {
			continue
		}
		if with == m {
			with = &measurer{m.set, m.tags}
		}
		m.set.Put(&with.tags, tag.Key, tag.Value)
	}
	return with
}

// Counter implements metrics.Handler.
func (m *measurer) Counter(name string) metrics.CounterIface {
	counter := m.set.Counter(name)
	if counter == nil {
		return metrics.NoopCounterMetricFunc
	}
	return metrics.CounterFunc(func(by int64, tags ...metrics.Tag) { counter.With(&m.with(tags).tags).Add(float64(by)) })
}

// Gauge implements metrics.Handler.
func (m *measurer) Gauge(name string) metrics.GaugeIface {
	gauge := m.set.Gauge(name)
	if gauge == nil {
		return metrics.NoopGaugeMetricFunc
	}
	return metrics.GaugeFunc(func(to float64, tags ...metrics.Tag) { gauge.With(&m.with(tags).tags).Set(to) })
}

// Timer implements metrics.Handler.
func (m *measurer) Timer(name string) metrics.TimerIface {
	timer := m.set.Timer(name)
	if timer == nil {
		return metrics.NoopTimerMetricFunc
	}
	return metrics.TimerFunc(func(took time.Duration, tags ...metrics.Tag) { timer.With(&m.with(tags).tags).Observe(took.Seconds()) })
}

// Histogram implements metrics.Handler: none is shown.
func (m *measurer) Histogram(string, metrics.MetricUnit) metrics.HistogramIface {
	return metrics.NoopHistogramMetricFunc
}

// StartBatch implements metrics.Handler.
func (m *measurer) StartBatch(string) metrics.BatchHandler { return m }

// Stop implements metrics.Handler.
func (m *measurer) Stop(log.Logger) {}

// Close implements metrics.BatchHandler.
func (m *measurer) Close() error { return nil }
