package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/client"
)

// burstSlice is how long each part of the time after a burst is that has a result of its own.
const burstSlice = 2 * time.Second

// burst measures a tenant that is published to slowly, then as fast as possible, and then slowly again, and beside it another
// tenant that is published to slowly all the time.
func burst(ctx context.Context, b *bench) ([]Result, error) {
	slow := load{
		scenario: "burst", variant: "before", events: max(1, int(b.Rate*b.Calm.Seconds())), batch: 1, bytes: smallBody,
		subscribers: b.Subscribers, rate: b.Rate,
	}
	other := slow
	other.variant, other.events, other.subscribers, other.aside = "other tenant", math.MaxInt, 1, true
	f, err := b.subscribeWarm(ctx, slow)
	defer f.clear(ctx)
	if err != nil {
		return nil, err
	}
	beside, err := b.subscribeWarm(ctx, other)
	defer beside.clear(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.receiver.reset(ctx, conduct{least: int64(slow.bytes)}); err != nil {
		return nil, err
	}
	run := &burstRun{field: f, slow: slow, other: other}
	if err := run.sendBeside(ctx, beside); err != nil {
		return nil, err
	}
	return run.results(ctx, beside)
}

// subscribeWarm makes the subscriptions of a load, and sees that events arrive. The field is there even when it fails.
func (b *bench) subscribeWarm(ctx context.Context, l load) (*field, error) {
	f, err := b.subscribe(ctx, l)
	if err != nil {
		return f, err
	}
	return f, b.warmUp(ctx, f, l)
}

// burstRun is a burst under way, on the field of the tenant that it hits.
type burstRun struct {
	*field
	slow, other           load
	before, during, after *sending
	beside                *sending         // of the other tenant
	used                  map[string]usage // from the burst's beginning to its last arrival
}

// sendBeside sends all phases, and the load of the other tenant from before the first until after the last.
func (r *burstRun) sendBeside(ctx context.Context, beside *field) error {
	quiet := *r.bench // one of the two shows its progress
	quiet.Progress, quiet.Duration = func(string, int, int) {}, math.MaxInt64
	var over atomic.Bool
	other := r.other
	other.over = over.Load
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.beside, err = quiet.send(ctx, beside, other)
		return err
	})
	group.Go(func() error {
		defer over.Store(true)
		return r.sendPhases(ctx)
	})
	return group.Wait()
}

// sendPhases sends one phase after the other, the last when the burst is delivered.
func (r *burstRun) sendPhases(ctx context.Context) (err error) {
	if r.before, err = r.send(ctx, r.field, r.slow); err != nil {
		return err
	}
	before := r.meter.read()
	if r.during, err = r.send(ctx, r.field, r.fast()); err != nil {
		return err
	}
	if err := r.await(ctx, r.slow.owed(len(r.before.accepted)+len(r.during.accepted))); err != nil {
		return err
	}
	r.used = r.meter.since(before)
	calm := r.slow
	calm.variant = "after"
	r.after, err = r.send(ctx, r.field, calm)
	return err
}

// fast returns the load of the burst itself.
func (r *burstRun) fast() load {
	l := r.slow
	l.variant, l.rate, l.events = "burst", 0, r.bench.events(20_000)
	return l
}

func (r *burstRun) await(ctx context.Context, want Counts) error {
	_, err := r.receiver.await(ctx, want, r.Patience, func(now Counts) {
		r.Progress("burst: arrived", now.Arrived+now.Aside, want.Arrived+want.Aside)
	})
	return err
}

// results waits for the last arrivals and draws up a result for each phase of each tenant.
func (r *burstRun) results(ctx context.Context, beside *field) ([]Result, error) {
	want := r.slow.owed(len(r.before.accepted) + len(r.during.accepted) + len(r.after.accepted))
	want.Aside = r.other.owed(len(r.beside.accepted)).Aside
	if err := r.await(ctx, want); err != nil {
		return nil, err
	}
	if err := pause(ctx, r.Settle); err != nil {
		return nil, err
	}
	seen, err := r.receiver.seen(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := r.grouped(ctx, r.tenant, beside.tenant)
	if err != nil {
		return nil, err
	}
	p := phases{arrivals: newArrivals(seen.Arrivals), grouped: groups}
	r.into(&p)
	if len(p.results) == 0 {
		return nil, errors.New("no event was sent")
	}
	p.results[0].Duplicates += seen.Again
	return p.results, nil
}

// into adds the phases, those of the tenant that the burst hits first.
func (r *burstRun) into(p *phases) {
	p.add(r.slow, "before", r.before)
	if during := p.add(r.fast(), "burst", r.during); during != nil {
		during.addCosts(r.used, during.Deliveries)
	}
	drained := r.after.began
	for from := time.Duration(0); from < r.Calm+burstSlice; from += burstSlice {
		part := r.after.between(drained.Add(from), drained.Add(from+burstSlice))
		p.add(r.slow, fmt.Sprintf("after %s to %s", from, from+burstSlice), part)
	}
	var never time.Time
	p.add(r.other, "other tenant before", r.beside.between(never, r.during.began))
	p.add(r.other, "other tenant during", r.beside.between(r.during.began, drained))
	p.add(r.other, "other tenant after", r.beside.between(drained, never))
}

// between returns the events of a time from (included) to to (excluded; the zero time: without end). The durations of the
// calls are not known for a part of them.
func (s *sending) between(from, to time.Time) *sending {
	inside := func(at time.Time) bool { return !at.Before(from) && (to.IsZero() || at.Before(to)) }
	part := &sending{began: from, ended: to, latency: newLatencies(), refusal: s.refusal}
	for _, event := range s.accepted {
		if inside(event.at) {
			part.accepted = append(part.accepted, event)
		}
	}
	part.refused = slices.DeleteFunc(slices.Clone(s.refused), func(at time.Time) bool { return !inside(at) })
	if len(part.refused) == 0 {
		part.refusal = nil
	}
	return part
}

// phases are the results of a run that is looked at in parts.
type phases struct {
	arrivals arrivals
	grouped  map[string]bool // the events that a group's workflow planned
	results  []Result
}

// add adds the result of a part, unless nothing was sent in it, and returns it until the next one is added.
func (p *phases) add(l load, variant string, s *sending) *Result {
	if s.tried() == 0 {
		return nil
	}
	l.variant = variant
	v := p.arrivals.verify(s.accepted, l.receivers())
	r := l.result(s, v)
	if l.rate == 0 && v.last.After(s.began) {
		r.Metrics["drain_seconds"] = v.last.Sub(s.began).Seconds()
	}
	for _, event := range s.accepted {
		if p.grouped[event.id] {
			r.Metrics["events_by_group"]++
		}
	}
	r.Metrics["events_by_event"] = float64(len(s.accepted)) - r.Metrics["events_by_group"]
	p.results = append(p.results, r)
	return &p.results[len(p.results)-1]
}

// grouped asks the server for the events of the tenants that were planned by the workflow of a group.
func (b *bench) grouped(ctx context.Context, tenants ...string) (map[string]bool, error) {
	const page = 200
	all := map[string]bool{}
	for _, tenant := range tenants {
		for event, err := range b.Client.Events(ctx, client.EventFilter{Tenant: tenant, PageSize: page}) {
			if err != nil {
				return nil, fmt.Errorf("list the events: %w", err)
			}
			if strings.HasPrefix(event.PlannedBy, "group/") {
				all[event.ID] = true
			}
		}
	}
	return all, nil
}
