package worker_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/posthaste/posthaste/worker"
)

func TestStartsAreCounted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		registry := prometheus.NewRegistry()
		b.onStart = b.plan
		b.fail(serviceerror.NewUnavailable("away"))
		d := b.dispatch(t, worker.DispatcherOptions{SweepAfter: time.Hour, Registry: registry})
		d.Wake(b.accept(t, "a", 3)...)
		require.Eventually(t, func() bool { return total(t, registry, "failed") > 0 }, limit, time.Millisecond)
		require.Zero(t, total(t, registry, "started"))
		b.fail(nil)
		d.Wake(b.accept(t, "b", 1)...)
		require.Eventually(t, func() bool { return total(t, registry, "started") == 4 && total(t, registry, "") == 4 }, limit, time.Millisecond)
	})
}

// total is the number of starts with the outcome; without one, of the events that were started.
func total(t *testing.T, registry *prometheus.Registry, outcome string) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, series := range family.GetMetric() {
			if outcome == "" && len(series.GetLabel()) == 0 || outcome != "" && len(series.GetLabel()) == 1 && series.GetLabel()[0].GetValue() == outcome {
				sum += series.GetCounter().GetValue()
			}
		}
	}
	return sum
}
