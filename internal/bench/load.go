package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/client"
)

// load describes the events to publish and their subscribers.
type load struct {
	scenario, variant string

	events      int
	batch       int         // events in a call
	bytes       int         // of an event's data
	subscribers int         // that answer at once
	aside       bool        // its tenant is the one beside the measured one
	rate        float64     // events a second; 0: as fast as they are accepted
	over        func() bool // reports that no more is to be sent; nil: it never is
	oneByOne    bool        // each is published when the one before it has arrived, and a little later
	beside      bool        // there is one more subscriber, which is not counted
	hanging     bool        // it does not answer
	retries     bool        // the receiver is broken at first: retries follow as soon as it says
}

// idle is how long a server is left alone that has delivered an event, so that it has nothing else to do when the next
// one comes: not even to write down the last.
const idle = 250 * time.Millisecond

// name returns the name that people read.
func (l load) name() string {
	if l.variant == "" {
		return l.scenario
	}
	return l.scenario + " " + l.variant
}

// receivers returns the numbers of the subscribers at the receiver.
func (l load) receivers() []int {
	all := make([]int, l.subscribers)
	for n := range all {
		all[n] = n
		if l.aside {
			all[n] = -1 - n
		}
	}
	return all
}

// owed returns the counts of the receiver when so many events have reached every subscriber.
func (l load) owed(events int) Counts {
	if l.aside {
		return Counts{Aside: events * l.subscribers}
	}
	return Counts{Arrived: events * l.subscribers}
}

// isOver reports whether no more is to be sent.
func (l load) isOver() bool { return l.over != nil && l.over() }

// data returns JSON of the load's size. It does not compress, which a database may try.
func (l load) data() json.RawMessage {
	const frame = `{"filler":""}`
	noise := make([]byte, max(0, l.bytes-len(frame)))
	_, _ = rand.Read(noise) // never fails
	text := base64.RawURLEncoding.EncodeToString(noise)[:len(noise)]
	return json.RawMessage(frame[:len(frame)-2] + text + frame[len(frame)-2:])
}

// sending records the publishing so far.
type sending struct {
	began, ended time.Time
	latency      *latencies // of the calls

	mu       sync.Mutex
	accepted []sent
	refused  []time.Time // when each of the other events was handed over, or should have been
	refusal  error       // the first
}

// tried is how many events were handed over.
func (s *sending) tried() int { return len(s.accepted) + len(s.refused) }

// send publishes the load until it is through or the time for it is up.
func (b *bench) send(ctx context.Context, f *field, l load) (*sending, error) {
	s := &sending{began: time.Now(), latency: newLatencies()}
	group := errgroup.Group{}
	group.SetLimit(b.Concurrency)
	data, here := l.data(), Counts{}
	for first := 0; first < l.events && !l.isOver() && time.Since(s.began) < b.Duration; first += l.batch {
		at, err := l.turn(ctx, s.began, first)
		if err != nil {
			break // ctx has ended
		}
		events := f.events(data, min(l.batch, l.events-first))
		group.Go(func() error { b.call(ctx, s, l, events, at); return nil })
		if !l.oneByOne {
			continue
		}
		_ = group.Wait() // none of them fails
		if here, err = b.receiver.await(ctx, Counts{Arrived: here.Arrived + 1}, b.Patience, func(Counts) {}); err != nil {
			return nil, err
		}
		_ = pause(ctx, idle) // else the loop ends
	}
	_ = group.Wait()
	s.ended = time.Now()
	return s, ctx.Err()
}

// turn waits until the nth event of a load with a rate is due, and returns the due time: the delay of a slow server counts
// from then. The time has a jitter of up to half an interval, because something that happens at a fixed time after each
// event, such as a timeout, would otherwise always coincide with another event. Loads without a rate get the zero time at
// once.
func (l load) turn(ctx context.Context, began time.Time, n int) (time.Time, error) {
	if l.rate == 0 {
		return time.Time{}, ctx.Err()
	}
	late := mathrand.Float64() / 2 //nolint:gosec // of an interval, and no secret
	at := began.Add(time.Duration((float64(n) + late) / l.rate * float64(time.Second)))
	return at, pause(ctx, time.Until(at))
}

// call publishes events in one call and records the outcome.
func (b *bench) call(ctx context.Context, s *sending, l load, events []client.Event, at time.Time) {
	now := time.Now()
	if at.IsZero() {
		at = now
	}
	ids, err := b.publish(ctx, events, l.batch > 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency.add(time.Since(now))
	if s.refusal == nil {
		s.refusal = err
	}
	for _, id := range ids {
		s.accepted = append(s.accepted, sent{id: id, at: at})
	}
	for range len(events) - len(ids) {
		s.refused = append(s.refused, at)
	}
	b.Progress(l.name()+": sent", s.tried(), l.events)
}

// publish returns the ids of the events that were accepted, and why another one was not.
func (b *bench) publish(ctx context.Context, events []client.Event, asBatch bool) (ids []string, refusal error) {
	if !asBatch {
		published, err := b.Publish.Publish(ctx, events[0])
		if err != nil {
			return nil, err
		}
		return []string{published.ID}, nil
	}
	results, err := b.Publish.PublishBatch(ctx, events)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Err != nil {
			refusal = r.Err
			continue
		}
		ids = append(ids, r.ID)
	}
	return ids, refusal
}
