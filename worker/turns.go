package worker

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker/backlog"
)

const (
	turnTenants = 500 // tenants whose events are read together
	turnPage    = 100

	hopeless = 2 * Starters // failures after which a round in which no start succeeded goes no further

	// askEvery is how often the store is asked about a tenant that is behind, askAtLeast how often when it is slow.
	askEvery   = 250 * time.Millisecond
	askAtLeast = 5 * time.Second
)

// takeTurns starts, for as long as any tenant is behind, some of the oldest waiting events of each, round after round. So
// the backlog of one tenant delays the others by a turn, however long it is. When no start succeeds, it reports that once
// and tries again after a while.
func (d *Dispatcher) takeTurns(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		behind := d.backlog.Behind()
		more, err := d.round(ctx, behind)
		d.report(ctx, &failing, err)
		switch {
		case err != nil:
			rest(ctx, time.After(d.SweepEvery), nil)
		case len(behind) == 0:
			rest(ctx, nil, d.backlog.Fell())
		case !more:
			rest(ctx, time.After(askEvery), d.backlog.Fell())
		}
	}
}

func rest(ctx context.Context, after <-chan time.Time, fell <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-after:
	case <-fell:
	}
}

// round gives each of the tenants its turn. It reports whether another round at once may start more. It fails if the store
// does, or if no start succeeded.
func (d *Dispatcher) round(ctx context.Context, behind []string) (more bool, err error) {
	var starts tally
	more, err = d.giveTurns(ctx, behind, &starts)
	d.blame(ctx, &starts)
	if err == nil {
		err = starts.failure(1)
	}
	return more && err == nil, err
}

func (d *Dispatcher) giveTurns(ctx context.Context, behind []string, starts *tally) (more bool, err error) {
	for tenants := range slices.Chunk(behind, turnTenants) {
		if starts.failure(hopeless) != nil {
			break
		}
		turns, err := d.readTurns(ctx, tenants)
		if err != nil {
			return false, err
		}
		more = d.startTurns(ctx, turns, starts) || more
	}
	return more, nil
}

// readTurns begins the turns of tenants: it reads their events, and then counts their deliveries.
func (d *Dispatcher) readTurns(ctx context.Context, tenants []string) ([]*backlog.Turn, error) {
	began := time.Now()
	var turns []*backlog.Turn
	for _, tenant := range tenants {
		t := d.backlog.Turn(tenant)
		if t == nil {
			continue
		}
		if err := d.readEvents(ctx, t); err != nil {
			return nil, err
		}
		turns = append(turns, t)
	}
	return turns, d.count(ctx, turns, began)
}

func (d *Dispatcher) readEvents(ctx context.Context, t *backlog.Turn) error {
	before, after := t.Before(time.Now().Add(-d.SweepAfter)), ""
	for t.Wants() {
		events, err := d.Store.AcceptedEvents(ctx, t.Tenant(), before, after, turnPage)
		if err != nil {
			return err
		}
		t.Add(events, len(events) < turnPage)
		if len(events) > 0 {
			after = events[len(events)-1].ID
		}
	}
	return nil
}

// count has the deliveries counted of the tenants for which that is due. However much there is to read and to count, it
// takes a tenth of the time.
func (d *Dispatcher) count(ctx context.Context, turns []*backlog.Turn, began time.Time) error {
	turns = slices.DeleteFunc(slices.Clone(turns), func(t *backlog.Turn) bool { return !t.Due() })
	if len(turns) == 0 {
		return nil
	}
	tenants := make([]string, len(turns))
	for i, t := range turns {
		tenants[i] = t.Tenant()
	}
	counts, err := d.Store.Outstanding(ctx, tenants, d.Ahead)
	if err != nil {
		return err
	}
	next := time.Now().Add(min(max(10*time.Since(began), askEvery), askAtLeast))
	for _, t := range turns {
		t.Count(counts[t.Tenant()], next)
	}
	return nil
}

// startTurns starts the events of the turns, some at a time, and reports whether more may be started at once.
func (d *Dispatcher) startTurns(ctx context.Context, turns []*backlog.Turn, starts *tally) (more bool) {
	var group errgroup.Group
	group.SetLimit(Starters)
	for _, t := range turns {
		if starts.failure(hopeless) != nil {
			break
		}
		d.startTurn(ctx, t, &group, starts)
	}
	_ = group.Wait() // the tally has the errors
	return slices.ContainsFunc(turns, (*backlog.Turn).More)
}

func (d *Dispatcher) startTurn(ctx context.Context, t *backlog.Turn, group *errgroup.Group, starts *tally) {
	for ctx.Err() == nil {
		events := t.Take()
		if len(events) == 0 {
			break
		}
		group.Go(func() error {
			err := d.start(ctx, events)
			if err != nil {
				t.Fail()
			}
			starts.add(events[0].ID, err)
			return nil
		})
	}
	if late := t.Late(); late > 0 {
		d.Logger.WarnContext(ctx, "events.overdue", "tenant", t.Tenant(), "events", late,
			"hint", "started a minute ago and not planned: check that workers run")
	}
	t.End()
}

// blame finds out whether starts failed because of their events or because of Temporal. Only an event that is at fault
// itself is refused for a while, so that the events after it have their turn.
func (d *Dispatcher) blame(ctx context.Context, starts *tally) {
	if starts.failure(1) != nil && d.Control.Ping(ctx) != nil {
		return
	}
	for _, f := range starts.faults {
		if unprepared(f.err) {
			continue
		}
		answered := models.ErrorCode(translate("", f.err)) != models.CodeUnavailable
		if d.backlog.Blame(f.id, answered) {
			d.Logger.WarnContext(ctx, "event.postponed", "event_id", f.id, "error", f.err,
				"hint", "it cannot be started; the tenant's other events go first for a minute")
		}
	}
}
