package worker

import "github.com/prometheus/client_golang/prometheus"

// starts counts the workflows that a dispatcher starts.
type starts struct {
	started, failed, events prometheus.Counter
}

func newStarts(registry prometheus.Registerer) *starts {
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posthaste_dispatcher_starts_total",
		Help: "Workflows that this process started for accepted events, and starts that failed and come again.",
	}, []string{"outcome"})
	s := &starts{
		started: outcomes.WithLabelValues("started"), failed: outcomes.WithLabelValues("failed"),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "posthaste_dispatcher_events_total", Help: "Events of the workflows that were started; a workflow can have several.",
		}),
	}
	if registry != nil {
		registry.MustRegister(outcomes, s.events)
	}
	return s
}

// count counts a start of a workflow for so many events.
func (s *starts) count(events int, err error) {
	if err != nil {
		s.failed.Inc()
		return
	}
	s.started.Inc()
	s.events.Add(float64(events))
}
