package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	posthaste "github.com/posthaste/posthaste/worker"
)

// The two measurements of the engine alone.
const (
	FloorName = "floor"
	NaiveName = "naive"
)

// FloorOptions says what [Floor] measures. Temporal and Fanout are required.
type FloorOptions struct {
	Temporal temporal.Client // of an engine in this process, whose usage is taken for the engine's
	Naive    bool            // not our workflows, but what somebody new to Temporal would write
	Inline   bool            // our workflows in delivery mode inline; naive knows no modes
	Events   int             // of each fan-out, as deliveries; 0: 2,000
	Fanout   []int           // deliveries of each event
	Duration time.Duration   // after which no event is started any more; 0: 5m
	Patience time.Duration   // how long nothing may happen before the missing deliveries count as lost; 0: 30s
	Settle   time.Duration   // how long to wait after the last delivery for work that events have left behind; 0: 2s

	Progress func(what string, done, total int) // is told now and then, by one goroutine at a time; nil: nobody is
}

// shape is a way to use Temporal for deliveries.
type shape interface {
	worker(c temporal.Client) worker.Worker
	start(ctx context.Context, c temporal.Client, eventID string, fanout int) error
}

// floor is a measurement of the engine under way.
type floor struct {
	FloorOptions
	name  string
	shape shape
	seen  *Receiver // counts the calls of the activities
	meter meter
}

// Floor measures the engine alone: events are fanned out to deliveries whose activities do nothing but count. Nothing is
// stored besides what Temporal stores, and nothing is sent. It returns a result for each fan-out.
func Floor(ctx context.Context, o FloorOptions) ([]Result, error) {
	o.Events = cmp.Or(o.Events, 2000)
	o.Duration, o.Patience = cmp.Or(o.Duration, 5*time.Minute), cmp.Or(o.Patience, 30*time.Second)
	o.Settle = cmp.Or(o.Settle, 2*time.Second)
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	seen := NewReceiver()
	f := &floor{FloorOptions: o, name: FloorName, shape: &ours{seen: seen, inline: o.Inline}, seen: seen, meter: meter{{name: "server", pid: os.Getpid()}}}
	if o.Naive {
		f.name, f.shape = NaiveName, &naive{seen: seen}
	}
	w := f.shape.worker(o.Temporal)
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	defer w.Stop()
	var all []Result
	for _, fanout := range o.Fanout {
		r, err := f.measure(ctx, fanout)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (f *floor) measure(ctx context.Context, fanout int) (Result, error) {
	if _, err := f.run(ctx, warmUps(fanout), fanout); err != nil {
		return Result{}, err
	}
	before := f.meter.read()
	s, err := f.run(ctx, max(1, f.Events/fanout), fanout)
	if err != nil {
		return Result{}, err
	}
	if err := pause(ctx, f.Settle); err != nil {
		return Result{}, err
	}
	l := load{scenario: f.name, subscribers: fanout}
	seen := f.seen.all()
	v := verify(s.accepted, fanout, seen.Arrivals)
	v.duplicates += seen.Again
	r := l.result(s, v)
	r.addCosts(f.meter.since(before), v.owed)
	return r, nil
}

// run starts events and waits until their deliveries have been made.
func (f *floor) run(ctx context.Context, events, fanout int) (*sending, error) {
	f.seen.reset(conduct{})
	s := &sending{began: time.Now(), latency: newLatencies()}
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(posthaste.Starters)
	for range events {
		if time.Since(s.began) > f.Duration {
			break
		}
		group.Go(func() error { return f.start(starting, s, fanout) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	s.ended = time.Now()
	want := Counts{Arrived: len(s.accepted) * fanout}
	_, err := await(ctx, want, f.Patience, func(ctx context.Context) (Counts, error) {
		asking, cancel := context.WithTimeout(ctx, pollFor)
		defer cancel()
		now := f.seen.wait(asking, want)
		f.Progress(fmt.Sprintf("%s, fan-out %d", f.name, fanout), now.Arrived, want.Arrived)
		return now, ctx.Err()
	})
	return s, err
}

func (f *floor) start(ctx context.Context, s *sending, fanout int) error {
	id, at := "evt_"+rand.Text(), time.Now()
	if err := f.shape.start(ctx, f.Temporal, id, fanout); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency.add(time.Since(at))
	s.tried++
	s.accepted = append(s.accepted, sent{id: id, at: at})
	return nil
}
