package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flood publishes so many events of the type, faster than they go out.
func (p *program) flood(eventType string, count int) {
	p.t.Helper()
	batch := make([]object, count)
	for i := range batch {
		batch[i] = object{"type": eventType, "data": i}
	}
	p.call(http.StatusAccepted, http.MethodPost, "/v1/events/batch", object{"events": batch}, nil)
}

// TestStopMeansStop cancels what was accepted, of which hardly anything is planned, kills the process after the answer to it,
// and sees that nothing of it goes out, before or after the restart, and that what is published later does. It does not run
// beside other tests: they would keep what is on the wire at the stop there for longer than it waits.
func TestStopMeansStop(t *testing.T) { //nolint:tparallel // beside each other the modes may run
	for mode, count := range map[string]int{"child": 150, "inline": 150, "grouped": 900, "auto": 900} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			args := []string{"--delivery-mode", mode}
			folder, receiver := t.TempDir(), newSink(t, 204)
			p := startDev(t, folder, args...)
			id, _ := p.subscribe(receiver.url, nil)
			p.publish("first") // after which the subscriber is known to answer fast
			require.Eventually(t, func() bool { return receiver.events() == 1 }, deliveryLimit, 10*time.Millisecond)

			p.flood("order.paid", count)
			var stopped struct{ Deliveries, Events int }
			p.call(http.StatusAccepted, http.MethodPost, "/v1/subscriptions/"+id+"/cancel", object{"reason": "wrong prices"}, &stopped)
			require.Positive(t, stopped.Events+stopped.Deliveries)
			<-time.After(time.Second) // for what was on the wire
			arrived := receiver.events()
			require.Never(t, func() bool { return receiver.events() > arrived }, 3*time.Second, 100*time.Millisecond)

			p.flood("order.paid", count)
			p.call(http.StatusAccepted, http.MethodPost, "/v1/tenants/default/cancel", nil, &stopped)
			p.kill()
			<-time.After(time.Second)
			arrived = receiver.events()

			p = startDev(t, folder, args...)
			later := p.publish("published after the answer")
			require.Eventually(t, func() bool { return receiver.times(later) > 0 }, 3*deliveryLimit, 50*time.Millisecond)
			require.Eventually(t, func() bool {
				var stats struct{ Backlog struct{ Events int } }
				p.call(http.StatusOK, http.MethodGet, "/v1/stats", nil, &stats)
				open := slices.Concat(p.deliveries("status=pending"), p.deliveries("status=held"))
				return stats.Backlog.Events == 0 && len(open) == 0
			}, 3*deliveryLimit, 200*time.Millisecond)
			require.Equal(t, arrived+1, receiver.events(), "nothing that was accepted before")
			require.NotEmpty(t, p.deliveries("status=cancelled"))
		})
	}
}
