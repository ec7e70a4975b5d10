package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencies(t *testing.T) {
	t.Parallel()

	l := newLatencies()
	for ms := 100; ms >= 1; ms-- {
		l.add(time.Duration(ms) * time.Millisecond)
	}
	m := Metrics{}
	l.into(m, "x")
	for name, want := range map[string]float64{"x_p50_ms": 50, "x_p90_ms": 90, "x_p99_ms": 99, "x_max_ms": 100} {
		require.InEpsilon(t, want, m[name], 0.001, name)
	}

	t.Run("none are no numbers", func(t *testing.T) {
		t.Parallel()
		m := Metrics{}
		newLatencies().into(m, "x")
		require.Empty(t, m)
	})

	t.Run("what cannot be is not dropped", func(t *testing.T) {
		t.Parallel()
		l, m := newLatencies(), Metrics{}
		l.add(-time.Second)
		l.add(2 * time.Hour)
		l.into(m, "x")
		require.Zero(t, m["x_p50_ms"])
		require.InEpsilon(t, float64(time.Hour.Milliseconds()), m["x_max_ms"], 0.001)
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()

	begin := time.Now()
	accepted := []sent{{"a", begin}, {"b", begin}}
	v := newArrivals([]Arrival{
		{Subscriber: 0, Event: "a", Count: 1, First: begin.Add(time.Second)},
		{Subscriber: 1, Event: "a", Count: 3, First: begin.Add(3 * time.Second)},
		{Subscriber: 1, Event: "b", Count: 1, First: begin.Add(2 * time.Second)},
		{Subscriber: 0, Event: "of another publisher", Count: 9, First: begin.Add(time.Hour)},
	}).verify(accepted, []int{0, 1})
	require.Equal(t, []int{4, 1, 2}, []int{v.owed, v.lost, v.duplicates})
	twins := newArrivals([]Arrival{{Event: "a", Count: 1, First: begin}}).verify([]sent{{"a", begin}, {"a", begin}}, []int{0})
	require.Equal(t, []int{2, 1, 0}, []int{twins.owed, twins.lost, twins.duplicates}, "one id for two events is one event")
	require.Equal(t, begin.Add(3*time.Second), v.last)
	require.Equal(t, int64(3), v.latency.histogram.TotalCount())
}

func TestCombine(t *testing.T) {
	t.Parallel()

	result := func(scenario string, lost int, rate float64) Result {
		return Result{
			Scenario: scenario, Fanout: 1, Sent: 10, Accepted: 10, Deliveries: 10, Lost: lost,
			Metrics: Metrics{"deliveries_per_second": rate},
		}
	}
	runs := [][]Result{
		{result(Throughput, 0, 30), result("large", 0, 7)},
		{result(Throughput, 1, 50), result("large", 0, 9)},
		{result(Throughput, 0, 31)},
	}
	runs[2][0].Metrics["only_here"] = 4
	all := Combine(runs)
	require.Len(t, all, 2)
	require.Equal(t, Metrics{"deliveries_per_second": 31, "only_here": 4}, all[0].Metrics)
	require.Equal(t, Metrics{"deliveries_per_second": 8}, all[1].Metrics)
	require.Equal(t, 30, all[0].Sent)
	require.Equal(t, 1, all[0].Lost, "a loss in one run of three is no matter of medians")
	require.EqualError(t, Report{Results: all}.Check(), "1 deliveries lost, 0 duplicates, 0 events not accepted")
	require.EqualError(t, Report{Results: []Result{{Scenario: "large"}}}.Check(), "large: no event was accepted, so nothing was measured")
}
