package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/bench"
)

// TestPrint compares each fan-out with the same fan-out of posthaste, whichever scenario had it.
func TestPrint(t *testing.T) {
	t.Parallel()
	of := func(scenario string, fanout int, rate float64) bench.Result {
		return bench.Result{Scenario: scenario, Fanout: fanout, Metrics: bench.Metrics{"deliveries_per_second": rate}}
	}
	report := bench.Report{Results: []bench.Result{of(bench.Throughput, 1, 30), of(bench.Fanout, 20, 60), of("large", 3, 10)}}
	var out bytes.Buffer
	l := &lab{Shape: floor}
	require.NoError(t, l.print(&out, []result{{fanout: 1, rate: 40}, {fanout: 20, rate: 80}, {fanout: 3, rate: 5}, {fanout: 20}}, report))
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, rows, 5)
	for i, end := range []string{"RATIO", "30.00 0.75", "60.00 0.75", "5.0 0.00", "60.00"} {
		require.True(t, strings.HasSuffix(strings.Join(strings.Fields(rows[i]), " "), end), rows[i])
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, r := range []result{{fanout: 3, lost: 1}, {fanout: 3, twice: 1}} {
		require.ErrorContains(t, (&lab{Shape: floor}).check([]result{{fanout: 1}, r}), "fan-out 3")
		require.NoError(t, (&lab{Shape: naive}).check([]result{r}), "its timeouts are longer than the measurement waits")
	}
	require.NoError(t, (&lab{Shape: floor}).check([]result{{fanout: 1}}))
}

// TestNothingMeasured gives a measurement no time to start an event.
func TestNothingMeasured(t *testing.T) {
	t.Parallel()
	l := &lab{Shape: floor, Events: 1, Fanout: []int{1}, Duration: -time.Second, Patience: time.Second}
	require.ErrorContains(t, l.run(t.Context(), &bytes.Buffer{}), "fan-out 1: no event was started")
}
