package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

func TestBurst(t *testing.T) {
	t.Parallel()

	const tenth = 10 // event of a subscriber, after the warm-up
	server, asked := &fakeServer{groups: true}, map[int]int{}
	server.times = func(_, subscriber int) int {
		asked[subscriber]++
		switch {
		case subscriber == -1 && asked[subscriber] == tenth:
			return 0
		case subscriber == 1 && asked[subscriber] == tenth:
			return 2
		default:
			return 1
		}
	}
	o := newRun(t, server)
	o.Rate, o.Calm, o.Events, o.Subscribers = 100, 300*time.Millisecond, 500, 2
	results, err := Run(t.Context(), o, "burst")
	require.NoError(t, err)
	var hit, other Result
	for _, r := range results {
		require.InDelta(t, float64(r.Accepted), r.Metrics["events_by_event"]+r.Metrics["events_by_group"], 1e-9)
		if strings.HasPrefix(r.Variant, "other tenant") {
			require.Equal(t, 1, r.Fanout)
			other.add(r)
		} else {
			require.Equal(t, 2, r.Fanout)
			hit.add(r)
		}
	}
	require.Equal(t, []int{560, 0, 1}, []int{hit.Accepted, hit.Lost, hit.Duplicates}, "30 events before and after")
	require.Equal(t, []int{1, 0}, []int{other.Lost, other.Duplicates})
	require.GreaterOrEqual(t, other.Accepted, 30)
	burst := results[1]
	require.Equal(t, "burst", burst.Variant)
	require.Equal(t, 500, burst.Accepted)
	require.InDelta(t, 250, burst.Metrics["events_by_group"], 30)
	for _, metric := range []string{"accepted_per_second", "deliveries_per_second", "drain_seconds", "delivery_p99_ms"} {
		require.Positive(t, burst.Metrics[metric], metric)
	}
}

// TestSendingBetween cuts a load into parts that have every event once.
func TestSendingBetween(t *testing.T) {
	t.Parallel()

	began := time.Now()
	s := &sending{refusal: client.ErrInvalid}
	for n := range 6 {
		at := began.Add(time.Duration(n) * time.Second)
		if n == 4 {
			s.refused = append(s.refused, at)
		} else {
			s.accepted = append(s.accepted, sent{id: string(rune('a' + n)), at: at})
		}
	}
	var never time.Time
	parts := []*sending{s.between(never, began.Add(2*time.Second)), s.between(began.Add(2*time.Second), began.Add(4*time.Second)), s.between(began.Add(4*time.Second), never)}
	var ids string
	for _, part := range parts {
		for _, event := range part.accepted {
			ids += event.id
		}
		ids += "|"
	}
	require.Equal(t, "ab|cd|f|", ids)
	require.NoError(t, parts[1].refusal)
	require.ErrorIs(t, parts[2].refusal, client.ErrInvalid)
	require.Equal(t, 2, parts[2].tried())
}
