package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// warmUps is how many events go before a measurement, so that connections are open, workers awake, and the server knows
// which subscribers answer fast.
func warmUps(subscribers int) int {
	const few = 10
	if subscribers <= few {
		return 3
	}
	return 1
}

// measure runs loads against the same subscribers, one after the other, and returns their results.
func (b *bench) measure(ctx context.Context, loads ...load) ([]Result, error) {
	f, err := b.subscribe(ctx, loads[0])
	defer f.clear(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.warmUp(ctx, f, loads[0]); err != nil {
		return nil, err
	}
	var all []Result
	for _, l := range loads {
		r, err := b.run(ctx, f, l)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (b *bench) run(ctx context.Context, f *field, l load) (Result, error) {
	if err := b.receiver.reset(ctx, conduct{hanging: l.hanging, least: int64(l.bytes)}); err != nil {
		return Result{}, err
	}
	before := b.meter.read()
	s, err := b.send(ctx, f, l)
	if err != nil {
		return Result{}, err
	}
	return b.finish(ctx, l, s, before)
}

// warmUp sends a few events, and sees that they arrive.
func (b *bench) warmUp(ctx context.Context, f *field, l load) error {
	if err := b.receiver.reset(ctx, conduct{least: int64(l.bytes)}); err != nil {
		return err
	}
	first := load{scenario: "warm-up of " + l.name(), events: warmUps(l.subscribers), batch: 1, bytes: l.bytes, subscribers: l.subscribers, aside: l.aside}
	s, err := b.send(ctx, f, first)
	if err != nil {
		return err
	}
	if s.refusal != nil {
		return fmt.Errorf("an event was not accepted: %w", s.refusal)
	}
	want := l.owed(len(s.accepted))
	got, err := b.receiver.await(ctx, want, b.Patience, func(Counts) {})
	if err != nil {
		return err
	}
	if !got.reach(want) {
		return fmt.Errorf("%d of %d deliveries arrived before the start%s", got.Arrived+got.Aside, want.Arrived+want.Aside, b.whyNot(ctx, s.accepted[0].id))
	}
	return nil
}

// whyNot asks the server about an event that did not arrive.
func (b *bench) whyNot(ctx context.Context, id string) string {
	event, err := b.Client.Event(ctx, id)
	if err != nil || len(event.Deliveries) == 0 {
		return ""
	}
	delivery, err := b.Client.Delivery(ctx, event.Deliveries[0].ID)
	if err != nil || delivery.LastError == "" {
		return ""
	}
	return "; the server says: " + delivery.LastError
}

// finish waits until everything has arrived, or nothing comes any more, and draws up the result. Times count from the
// beginning of the sending, and usage counts from before.
func (b *bench) finish(ctx context.Context, l load, s *sending, before map[string]usage) (Result, error) {
	want := l.owed(len(s.accepted))
	_, err := b.receiver.await(ctx, want, b.Patience, func(now Counts) {
		b.Progress(l.name()+": arrived", now.Arrived, want.Arrived)
	})
	if err != nil {
		return Result{}, err
	}
	if err := pause(ctx, b.Settle); err != nil {
		return Result{}, err
	}
	used := b.meter.since(before)
	seen, err := b.receiver.seen(ctx)
	if err != nil {
		return Result{}, err
	}
	v := newArrivals(seen.Arrivals).verify(s.accepted, l.receivers())
	v.duplicates += seen.Again
	r := l.result(s, v)
	r.addCosts(used, v.owed)
	if l.retries {
		r.Metrics["early_attempts"] = float64(seen.Early)
	}
	if l.hanging {
		if seen.Hung == 0 {
			return Result{}, errors.New("nothing reached the subscriber that hangs")
		}
		r.Metrics["hung_requests"] = float64(seen.Hung)
	}
	return r, nil
}

// result returns the result as far as it is known without looking at the server.
func (l load) result(s *sending, v verdict) Result {
	r := Result{
		Scenario: l.scenario, Variant: l.variant, Fanout: l.subscribers, Sent: s.tried(), Accepted: len(s.accepted),
		Deliveries: v.owed, Lost: v.lost, Duplicates: v.duplicates, Metrics: Metrics{},
	}
	if s.refusal != nil {
		r.Refusal = s.refusal.Error()
	}
	s.latency.into(r.Metrics, "accept")
	v.latency.into(r.Metrics, "delivery")
	if l.rate > 0 || l.oneByOne {
		return r // how fast was not up to the server
	}
	r.Metrics["sending_seconds"] = s.ended.Sub(s.began).Seconds()
	r.Metrics["accepted_per_second"] = perSecond(len(s.accepted), s.ended.Sub(s.began))
	if v.last.After(s.began) {
		r.Metrics["deliveries_per_second"] = perSecond(v.owed-v.lost, v.last.Sub(s.began))
	}
	return r
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// addCosts adds the processes' CPU time and writes per delivery.
func (r *Result) addCosts(used map[string]usage, deliveries int) {
	for name, u := range used {
		u.memoryInto(r.Metrics, name)
		if deliveries > 0 {
			r.Metrics[name+"_cpu_ms_per_delivery"] = float64(u.cpu.Microseconds()) / 1000 / float64(deliveries)
			r.Metrics[name+"_written_kib_per_delivery"] = float64(u.written) / 1024 / float64(deliveries)
			for counted, n := range u.counts {
				r.Metrics[counted+"_per_delivery"] = float64(n) / float64(deliveries)
			}
		}
	}
	server, ok := r.Metrics["server_cpu_ms_per_delivery"]
	if postgres, both := r.Metrics["postgres_cpu_ms_per_delivery"]; ok && both {
		r.Metrics["cpu_ms_per_delivery"] = server + postgres
	}
}

func (u usage) memoryInto(m Metrics, name string) {
	const mib = 1 << 20
	if u.resident > 0 {
		m[name+"_memory_mib"] = float64(u.resident) / mib
	}
}
