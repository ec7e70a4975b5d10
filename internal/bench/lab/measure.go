package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	temporal "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
)

// shape is a way to use Temporal for deliveries. Its activities count in a tally.
type shape interface {
	worker(c temporal.Client) sdkworker.Worker
	atOnce() int // events of one start, at most
	start(ctx context.Context, c temporal.Client, eventIDs []string, fanout int) error
}

// shape returns the shape that the command line names.
func (l *lab) shape(t *tally) shape {
	switch {
	case l.Shape == naive:
		return &sketch{t}
	case l.Mode.grouped():
		return &grouped{t}
	default:
		return &ours{tally: t, inline: l.Mode == mode(models.ModeInline)}
	}
}

// result holds the outcome of one fan-out.
type result struct {
	fanout, events, deliveries int
	lost, twice                int
	rate                       float64       // deliveries a second
	cpu                        time.Duration // of this process, per delivery
	transitions                float64       // per delivery; 0 where they are not measured
}

// measure measures each fan-out.
func (l *lab) measure(ctx context.Context, c temporal.Client) (results []result, err error) {
	t := &tally{made: map[string]bool{}}
	s := l.shape(t)
	w := s.worker(c)
	if err := w.Start(); err != nil {
		return nil, err
	}
	defer w.Stop()
	for _, fanout := range l.Fanout {
		m := measurement{lab: l, temporal: c, shape: s, tally: t, fanout: fanout}
		r, err := m.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("fan-out %d: %w", fanout, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// measurement measures one fan-out.
type measurement struct {
	*lab
	temporal temporal.Client
	shape    shape
	tally    *tally
	fanout   int

	mu     sync.Mutex
	events []string // ids, as far as they have been started
}

// warmUps is how many events go before a measurement, so that connections are open and workers awake.
const warmUps = 3

func (m *measurement) measure(ctx context.Context) (result, error) {
	if _, err := m.run(ctx, warmUps); err != nil {
		return result{}, err
	}
	before, began := cpuTime(), time.Now()
	last, err := m.run(ctx, max(1, m.Events/m.fanout))
	if err != nil {
		return result{}, err
	}
	if len(m.events) == 0 {
		return result{}, errors.New("no event was started, so nothing was measured")
	}
	r := m.result(last.Sub(began))
	select {
	case <-ctx.Done():
		return result{}, ctx.Err()
	case <-time.After(m.Settle):
	}
	r.cpu = (cpuTime() - before) / time.Duration(r.deliveries)
	r.twice = m.tally.again()
	if m.Shape == floor && !m.Mode.grouped() {
		r.transitions = transitions(ctx, m.temporal, m.events, m.fanout)
	}
	return r, nil
}

func (m *measurement) result(took time.Duration) result {
	owed := len(m.events) * m.fanout
	made := m.tally.count()
	return result{
		fanout: m.fanout, events: len(m.events), deliveries: owed, lost: owed - made,
		rate: float64(made) / took.Seconds(),
	}
}

// run starts events and waits until their deliveries have been made. It returns the time of the last one.
func (m *measurement) run(ctx context.Context, events int) (last time.Time, err error) {
	m.tally.reset()
	m.events = nil
	until := time.Now().Add(m.Duration)
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(worker.Starters)
	for started := 0; started < events && !time.Now().After(until); started += m.shape.atOnce() {
		n := min(m.shape.atOnce(), events-started)
		group.Go(func() error { return m.start(starting, n) })
	}
	if err := group.Wait(); err != nil {
		return last, err
	}
	return m.tally.await(ctx, len(m.events)*m.fanout, m.Patience)
}

// start starts so many events together.
func (m *measurement) start(ctx context.Context, events int) error {
	ids := make([]string, events)
	for i := range ids {
		ids[i] = "evt_" + rand.Text()
	}
	if err := m.shape.start(ctx, m.temporal, ids, m.fanout); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, ids...)
	return nil
}

// cpuTime returns the CPU time that this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails for a bad argument only
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// tally counts deliveries. Safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	made     map[string]bool // all deliveries that were ever made
	before   int             // so many of them before the last reset
	repeated int
	last     time.Time // a delivery was made for the first time
}

// reset begins to count anew.
func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before, t.repeated, t.last = len(t.made), 0, time.Now()
}

// add counts a delivery as made.
func (t *tally) add(deliveryID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made[deliveryID] {
		t.repeated++
		return
	}
	t.made[deliveryID], t.last = true, time.Now()
}

// count returns how many deliveries have been made since the last reset.
func (t *tally) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.made) - t.before
}

// again returns how many times a delivery was made that had been made before.
func (t *tally) again() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.repeated
}

// latest returns when the newest delivery was made.
func (t *tally) latest() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// await waits until so many deliveries have been made, or none for as long as patience. It returns the time of the last one.
func (t *tally) await(ctx context.Context, want int, patience time.Duration) (last time.Time, err error) {
	const poll = 10 * time.Millisecond // small beside a measurement
	for t.count() < want && time.Since(t.latest()) < patience {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(poll):
		}
	}
	return t.latest(), nil
}
