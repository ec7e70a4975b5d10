package bench

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("finds nothing wrong with a server that delivers", func(t *testing.T) {
		t.Parallel()
		server := &fakeServer{}
		o := newRun(t, server)
		o.Rate, o.Calm, o.Waiting, o.Due, o.Rest = 500, 200*time.Millisecond, 30, 2*time.Second, 200*time.Millisecond
		results, err := Run(t.Context(), o)
		require.NoError(t, err)
		var names []string
		for _, r := range results {
			names = append(names, r.Scenario+" "+r.Variant)
			require.Zero(t, r.Lost, r.Scenario)
			require.Zero(t, r.Duplicates, r.Scenario)
			require.Equal(t, r.Sent, r.Accepted)
			require.Equal(t, r.Accepted*r.Fanout, r.Deliveries)
			require.Positive(t, r.Metrics["delivery_p99_ms"])
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == "burst other tenant during" }) // it may have no time
		require.Equal(t, []string{
			"ingest single", "ingest batch of 100", "throughput ", "fanout ", "latency ", "retry-storm ",
			"isolation all answer", "isolation one hangs", "large ",
			"burst before", "burst burst", "burst after 0s to 2s", "burst other tenant before", "burst other tenant after",
		}, names)
		require.NoError(t, Report{Results: results}.Check())
		require.Equal(t, 15, server.deleted, "no subscription is left behind")
	})

	t.Run("only what is named", func(t *testing.T) {
		t.Parallel()
		results, err := Run(t.Context(), newRun(t, &fakeServer{}), "latency", Throughput)
		require.NoError(t, err)
		require.Len(t, results, 2)
		require.Contains(t, Scenarios(), results[0].Scenario)
		require.Contains(t, results[0].Metrics, "deliveries_per_second")
		require.NotContains(t, results[1].Metrics, "deliveries_per_second", "one at a time says nothing of that")
	})
}

func TestRunFindsFaults(t *testing.T) {
	t.Parallel()

	// The first three events of a measurement are its warm-up.
	at := func(event, subscriber, times int) func(int, int) int {
		return func(e, s int) int {
			if e == event && s == subscriber {
				return times
			}
			return 1
		}
	}

	for name, tt := range map[string]struct {
		server           *fakeServer
		scenario         string
		accepted         int
		lost, duplicates int
	}{
		"a lost event":              {&fakeServer{times: at(10, 0, 0)}, Throughput, 20, 1, 0},
		"one of a batch":            {&fakeServer{times: at(40, 0, 0)}, "ingest", 40, 1, 0},
		"one lost by a subscriber":  {&fakeServer{times: at(5, 2, 0)}, Fanout, 6, 1, 0},
		"an event that comes twice": {&fakeServer{times: at(10, 0, 2)}, Throughput, 20, 0, 1},
		"an event that comes often": {&fakeServer{times: at(5, 1, 7)}, Fanout, 6, 0, 6},
		"one while it is alone":     {&fakeServer{times: at(7, 0, 0)}, "latency", 20, 1, 0},
		"one that hangs":            {&fakeServer{times: at(40, 1, 0)}, "isolation", 40, 1, 0},
		"a refused event":           {&fakeServer{refuse: 10}, Throughput, 19, 0, 0},
		"one refused in a batch":    {&fakeServer{refuse: 40}, "ingest", 39, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newRun(t, tt.server)
			o.Rate = 500
			results, err := Run(t.Context(), o, tt.scenario)
			require.NoError(t, err)
			total := Combine([][]Result{results})
			sum := Result{}
			for _, r := range total {
				sum.add(r)
			}
			require.Equal(t, []int{tt.accepted, tt.lost, tt.duplicates}, []int{sum.Accepted, sum.Lost, sum.Duplicates})
			require.Error(t, Report{Results: total}.Check())
			refused := slices.ContainsFunc(total, func(r Result) bool { return r.Refusal != "" })
			require.Equal(t, tt.server.refuse > 0, refused)
		})
	}

	t.Run("what comes again while the next is measured", func(t *testing.T) {
		t.Parallel()
		server := &fakeServer{}
		o := newRun(t, server)
		server.times = func(event, _ int) int {
			if event == 30 { // of the second load
				server.deliver(context.Background(), "evt_10", o.Receiver+"/0", make([]byte, smallBody))
			}
			return 1
		}
		results, err := Run(t.Context(), o, "ingest")
		require.NoError(t, err)
		require.Equal(t, []int{0, 1}, []int{results[0].Duplicates, results[1].Duplicates})
	})

	t.Run("a subscriber that should hang and is not asked", func(t *testing.T) {
		t.Parallel()
		server := &fakeServer{forgets: "/" + besidePath}
		o := newRun(t, server)
		o.Rate, o.Events = 500, 5
		_, err := Run(t.Context(), o, "isolation")
		require.ErrorContains(t, err, "nothing reached the subscriber that hangs")
	})

	t.Run("a receiver out of reach", func(t *testing.T) {
		t.Parallel()
		_, err := Run(t.Context(), newRun(t, &fakeServer{times: func(int, int) int { return 0 }}), Throughput)
		require.ErrorContains(t, err, "throughput: 0 of 3 deliveries arrived before the start")
	})

	t.Run("too little time to wait", func(t *testing.T) {
		t.Parallel()
		o := newRun(t, &fakeServer{})
		o.Waiting, o.Due, o.Rest = 10, time.Second, time.Minute
		_, err := Run(t.Context(), o, "retry-storm")
		require.ErrorContains(t, err, "10 of 10 deliveries were waiting 1s before they came due")
	})

	t.Run("a run without a server", func(t *testing.T) {
		t.Parallel()
		_, err := Run(t.Context(), Options{})
		require.ErrorContains(t, err, "are required")
	})
}

func TestRunIsBounded(t *testing.T) {
	t.Parallel()

	o := newRun(t, &fakeServer{})
	o.Events, o.Rate, o.Duration = 1_000_000, 100, 200*time.Millisecond
	results, err := Run(t.Context(), o, "isolation")
	require.NoError(t, err)
	require.Less(t, results[0].Sent, 100)
	require.Positive(t, results[0].Sent)
}
