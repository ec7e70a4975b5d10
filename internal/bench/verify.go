package bench

import "time"

// sent is an event that was accepted.
type sent struct {
	id string
	at time.Time // when it was handed over, or should have been
}

// verdict counts the outcomes of the accepted events.
type verdict struct {
	owed       int // deliveries
	lost       int
	duplicates int // deliveries beyond the first
	latency    *latencies
	last       time.Time // when the last of them arrived for the first time
}

// arrivals are the arrivals that no accepted event has been compared with.
type arrivals map[destination]Arrival

func newArrivals(seen []Arrival) arrivals {
	at := make(arrivals, len(seen))
	for _, a := range seen {
		at[destination{a.Subscriber, a.Event}] = a
	}
	return at
}

// verify compares accepted events with their arrivals at the subscribers. Two events that were accepted under one id count as
// a loss.
func (at arrivals) verify(accepted []sent, subscribers []int) verdict {
	v := verdict{latency: newLatencies()}
	for _, event := range accepted {
		for _, subscriber := range subscribers {
			d := destination{subscriber, event.id}
			a, arrived := at[d]
			v.note(event, a, arrived)
			delete(at, d)
		}
	}
	return v
}

func (v *verdict) note(event sent, a Arrival, arrived bool) {
	v.owed++
	if !arrived {
		v.lost++
		return
	}
	v.duplicates += a.Count - 1
	v.latency.add(a.First.Sub(event.at))
	if a.First.After(v.last) {
		v.last = a.First
	}
}
