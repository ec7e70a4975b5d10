package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPrint compares each fan-out with the same fan-out of posthaste, whichever scenario had it.
func TestPrint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"results": [
		{"scenario": "throughput", "fanout": 1, "metrics": {"deliveries_per_second": 30}},
		{"scenario": "fanout", "fanout": 20, "metrics": {"deliveries_per_second": 60}},
		{"scenario": "large", "fanout": 3, "metrics": {"deliveries_per_second": 10}}]}`), 0o600))
	report, err := readReport(file)
	require.NoError(t, err)
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

// TestGrouped gives one workflow a hundred events, and the rest to another one.
func TestGrouped(t *testing.T) {
	t.Parallel()
	l := &lab{Shape: floor, Mode: "grouped", Events: 300, Fanout: []int{2}, Duration: time.Minute, Patience: 10 * time.Second, Settle: time.Millisecond}
	var out bytes.Buffer
	require.NoError(t, l.run(t.Context(), &out))
	require.Regexp(t, `\nfloor +2 +150 +0 +0 +\d`, out.String())
}

// TestNothingMeasured gives a measurement no time to start an event.
func TestNothingMeasured(t *testing.T) {
	t.Parallel()
	l := &lab{Shape: floor, Events: 1, Fanout: []int{1}, Duration: -time.Second, Patience: time.Second}
	require.ErrorContains(t, l.run(t.Context(), &bytes.Buffer{}), "fan-out 1: no event was started")
}
