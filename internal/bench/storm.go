package bench

import (
	"context"
	"fmt"
	"time"
)

// retryStorm measures many deliveries that wait for a broken receiver and all come due when it is mended: the cost of the
// waiting, and the time until all are delivered.
func retryStorm(ctx context.Context, b *bench) ([]Result, error) {
	l := load{scenario: "retry-storm", events: b.Waiting, batch: batchSize, bytes: smallBody, subscribers: 1, retries: true}
	f, err := b.subscribe(ctx, l)
	defer f.clear(ctx)
	if err != nil {
		return nil, err
	}
	mended := time.Now().Add(b.Due)
	if err := b.receiver.reset(ctx, conduct{mended: mended, least: int64(l.bytes)}); err != nil {
		return nil, err
	}
	before := b.meter.read()
	s, err := b.send(ctx, f, l)
	if err != nil {
		return nil, err
	}
	resting, err := b.watchWaiting(ctx, l, len(s.accepted), mended)
	if err != nil {
		return nil, err
	}
	r, err := b.drain(ctx, l, s, mended, before)
	for name, u := range resting {
		r.Metrics["waiting_"+name+"_cpu_cores"] = u.cpu.Seconds() / b.Rest.Seconds()
		u.memoryInto(r.Metrics, "waiting_"+name)
	}
	return []Result{r}, err
}

// watchWaiting waits until every delivery has failed once, and then measures the server's usage while all of them wait.
func (b *bench) watchWaiting(ctx context.Context, l load, deliveries int, mended time.Time) (map[string]usage, error) {
	want := Counts{Refused: deliveries}
	got, err := b.receiver.await(ctx, want, b.Patience, func(now Counts) {
		b.Progress(l.name()+": waiting", now.Refused, want.Refused)
	})
	if err != nil {
		return nil, err
	}
	spare := time.Until(mended) - b.Rest
	if !got.reach(want) || spare < 0 {
		return nil, fmt.Errorf("%d of %d deliveries were waiting %s before they came due: that is too short for this machine, let them come due later",
			got.Refused, want.Refused, time.Until(mended).Round(time.Second))
	}
	if err := pause(ctx, spare); err != nil {
		return nil, err
	}
	before := b.meter.read()
	err = pause(ctx, time.Until(mended))
	return b.meter.since(before), err
}

// drain waits until all is delivered. Times count from when the receiver was mended, usage from before the first attempts.
func (b *bench) drain(ctx context.Context, l load, s *sending, mended time.Time, before map[string]usage) (Result, error) {
	sending := s.ended.Sub(s.began)
	s.began = mended
	for i := range s.accepted {
		s.accepted[i].at = mended
	}
	r, err := b.finish(ctx, l, s, before)
	if err != nil {
		return Result{Metrics: Metrics{}}, err
	}
	r.Metrics["sending_seconds"] = sending.Seconds()
	r.Metrics["accepted_per_second"] = perSecond(len(s.accepted), sending)
	if longest, ok := r.Metrics["delivery_max_ms"]; ok {
		r.Metrics["drain_seconds"] = longest / 1000
	}
	return r, nil
}
