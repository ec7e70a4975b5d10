package bench

import (
	"cmp"
	"context"
	"fmt"
)

const (
	smallBody = 1 << 10   // bytes of data of an ordinary event
	largeBody = 256 << 10 // and of scenario large
	batchSize = 100
)

// scenarios lists all scenarios, in the order in which they run.
var scenarios = []struct {
	name  string
	run   func(context.Context, *bench) ([]Result, error)
	named bool // it runs only if it is named
}{
	{name: "ingest", run: ingest},
	{name: Throughput, run: throughput},
	{name: Fanout, run: fanout},
	{name: "latency", run: latency},
	{name: "retry-storm", run: retryStorm},
	{name: "isolation", run: isolation},
	{name: "large", run: large},
	{name: "burst", run: burst},
	{name: Growth, run: growth, named: true},
	{name: Retention, run: retention, named: true},
}

// Scenarios lists the names that [Run] knows, in the order in which it runs them.
func Scenarios() []string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}
	return names
}

// ingest measures how fast events are accepted. They are delivered meanwhile, which uses a part of the machine.
func ingest(ctx context.Context, b *bench) ([]Result, error) {
	l := load{scenario: "ingest", variant: "single", events: b.events(2000), batch: 1, bytes: smallBody, subscribers: 1}
	inBatches := l
	inBatches.variant, inBatches.batch, inBatches.events = fmt.Sprintf("batch of %d", batchSize), batchSize, b.events(10_000)
	return b.measureAll(ctx, l, inBatches)
}

// throughput measures how fast a backlog is delivered: all events are published as fast as they are accepted.
func throughput(ctx context.Context, b *bench) ([]Result, error) {
	return b.measureAll(ctx, load{scenario: Throughput, events: b.events(2000), batch: 1, bytes: smallBody, subscribers: 1})
}

// fanout measures throughput with more than one subscriber.
func fanout(ctx context.Context, b *bench) ([]Result, error) {
	var all []load
	for _, n := range b.Fanout {
		all = append(all, load{scenario: Fanout, events: max(1, b.events(2000)/n), batch: 1, bytes: smallBody, subscribers: n})
	}
	return b.measureAll(ctx, all...)
}

// latency measures an idle server: each event is published a while after the previous one has arrived.
func latency(ctx context.Context, b *bench) ([]Result, error) {
	return b.measureAll(ctx, load{scenario: "latency", events: b.events(200), batch: 1, bytes: smallBody, subscribers: 1, oneByOne: true})
}

// large measures throughput with large bodies.
func large(ctx context.Context, b *bench) ([]Result, error) {
	return b.measureAll(ctx, load{scenario: "large", events: b.events(200), batch: 1, bytes: largeBody, subscribers: 1})
}

// isolation measures how much subscribers suffer from a sibling that lets every request time out: a steady load while the
// sibling answers like the others, and the same load from when it begins to hang.
func isolation(ctx context.Context, b *bench) ([]Result, error) {
	const others = 3
	calm := load{
		scenario: "isolation", variant: "all answer", events: b.events(200), batch: 1, bytes: smallBody, subscribers: others,
		beside: true, rate: b.Rate,
	}
	hanging := calm
	hanging.variant, hanging.hanging = "one hangs", true
	results, err := b.measure(ctx, calm, hanging)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"delivery_p50", "delivery_p99"} {
		if was, is := results[0].Metrics[name+"_ms"], results[1].Metrics[name+"_ms"]; was > 0 && is > 0 { // else all was lost
			results[1].Metrics[name+"_moved_ms"] = is - was
			results[1].Metrics[name+"_moved_percent"] = (is - was) / was * 100
		}
	}
	return results, nil
}

// events returns the number of events: --events, or the scenario's own number.
func (b *bench) events(own int) int { return cmp.Or(b.Events, own) }

// measureAll measures each load on subscribers of its own.
func (b *bench) measureAll(ctx context.Context, loads ...load) ([]Result, error) {
	var all []Result
	for _, l := range loads {
		r, err := b.measure(ctx, l)
		if err != nil {
			return nil, err
		}
		all = append(all, r...)
	}
	return all, nil
}
