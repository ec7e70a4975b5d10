package worker

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
)

const (
	turnTenants = 500 // tenants looked at together
	turnPage    = 100
	turnEvents  = 32 // events that are enough for a turn

	hopeless = 2 * Starters // failures after which a round in which no start succeeded goes no further
)

// turn holds the waiting events of a tenant that is behind.
type turn struct {
	look
	lane      *lane
	waiting   []*models.Event // oldest first
	overdue   []*models.Event // some of the late ones, to be started once more
	unplanned int             // started by this process, and still accepted
	late      int             // as unplanned, but for so long that they are, or were, overdue
	all       bool            // nothing else waits

	mu     sync.Mutex
	faults []fault // starts of it that failed
}

// fault is a start that failed.
type fault struct {
	eventID string
	err     error
}

func (t *turn) fail(eventID string, err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fault{eventID: eventID, err: err})
}

func (t *turn) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.faults) > 0
}

// tally is what became of the starts of a round. Safe for concurrent use.
type tally struct {
	mu            sync.Mutex
	begun, failed int
	err           error // the first
}

func (c *tally) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.begun++
		return
	}
	c.failed++
	c.err = cmp.Or(c.err, err)
}

// failure returns the first error if at least so many starts failed and none succeeded: then Temporal is at fault, not
// the events.
func (c *tally) failure(atLeast int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun > 0 || c.failed < atLeast {
		return nil
	}
	return c.err
}

// takeTurns starts, for as long as any tenant is behind, some of the oldest waiting events of each, round and round. So
// what one has waiting delays the others by a turn, however much it is. When no start succeeds, it reports that once and
// tries again after a while.
func (d *Dispatcher) takeTurns(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		lanes := d.backlog.round()
		busy, err := d.round(ctx, lanes)
		d.report(ctx, &failing, err)
		switch {
		case err != nil:
			rest(ctx, time.After(d.SweepEvery), nil)
		case len(lanes) == 0:
			rest(ctx, nil, d.backlog.fell)
		case !busy:
			rest(ctx, time.After(askEvery), d.backlog.fell)
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

// round gives each tenant its turn. It reports whether another round at once may find more to do. It fails if the store
// does, or if no start succeeded.
func (d *Dispatcher) round(ctx context.Context, lanes []*lane) (busy bool, err error) {
	var starts tally
	for some := range slices.Chunk(lanes, turnTenants) {
		began := time.Now()
		turns, err := d.lookAt(ctx, some)
		if err == nil {
			err = d.ask(ctx, turns, began)
		}
		if err != nil {
			return false, err
		}
		busy = d.startTurns(ctx, turns, &starts) || busy
		if err := starts.failure(hopeless); err != nil {
			return false, err
		}
	}
	return busy, starts.failure(1)
}

// lookAt finds the waiting events of the tenants that have room, or may have room by now.
func (d *Dispatcher) lookAt(ctx context.Context, lanes []*lane) ([]*turn, error) {
	turns := make([]*turn, 0, len(lanes))
	for _, l := range lanes {
		t := &turn{look: d.backlog.look(l), lane: l}
		if !t.room && !t.due {
			continue
		}
		if err := d.find(ctx, t); err != nil {
			return nil, err
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// find reads the oldest accepted events of the tenant until there are enough for a turn. It leaves out the events that
// another process has accepted just now and will start itself.
func (d *Dispatcher) find(ctx context.Context, t *turn) error {
	before := time.Now().Add(-d.SweepAfter)
	if ours := t.left.Add(time.Millisecond); ours.After(before) {
		before = ours
	}
	for after := t.after; len(t.waiting) < turnEvents && t.unplanned+t.late < d.Ahead; {
		page, err := d.Store.AcceptedEvents(ctx, t.lane.tenant, before, after, turnPage)
		if err != nil {
			return err
		}
		for _, event := range page {
			d.place(t, event)
		}
		if len(page) < turnPage {
			t.all = t.after == ""
			break
		}
		after = page[len(page)-1].ID
	}
	return nil
}

func (d *Dispatcher) place(t *turn, event *models.Event) {
	switch d.backlog.stage(event.ID) {
	case waiting, queued:
		t.waiting = append(t.waiting, event)
	case begun:
		t.unplanned++
	case overdue:
		t.late++
		if len(t.overdue) < turnEvents {
			t.overdue = append(t.overdue, event)
		}
	case again:
		t.late++
	case refused:
	}
}

// ask corrects the estimates. It comes after the look, so that an event planned in between counts twice for a while rather
// than never.
func (d *Dispatcher) ask(ctx context.Context, turns []*turn, began time.Time) error {
	var tenants []string
	for _, t := range turns {
		if t.due {
			tenants = append(tenants, t.lane.tenant)
		}
	}
	if tenants == nil {
		return nil
	}
	counts, err := d.Store.Outstanding(ctx, tenants, d.Ahead)
	if err != nil {
		return err
	}
	// However much there is to look through and to count, it takes a tenth of the time.
	next := time.Now().Add(min(max(10*time.Since(began), askEvery), askAtLeast))
	for _, t := range turns {
		if t.due {
			d.backlog.correct(t.lane, counts[t.lane.tenant], t.unplanned, t.late, next)
		}
	}
	return nil
}

// startTurns starts the waiting events that have room, some at a time. A tenant whose start fails comes last from then on.
func (d *Dispatcher) startTurns(ctx context.Context, turns []*turn, starts *tally) (busy bool) {
	var group errgroup.Group
	group.SetLimit(Starters)
	for _, t := range turns {
		if starts.failure(hopeless) != nil {
			break
		}
		busy = d.startTurn(ctx, t, func(eventID string, work func() error) {
			group.Go(func() error {
				err := work()
				starts.add(err)
				t.fail(eventID, err)
				return nil
			})
		}) || busy
	}
	_ = group.Wait() // the tally has the errors
	for _, t := range turns {
		d.backlog.end(t.lane, t.failed())
	}
	d.blame(ctx, turns, starts)
	return busy
}

// blame finds out whether it was for the events that their starts failed, or for Temporal: only an event that is at fault
// itself is left alone for a while, so that those after it have their turn.
func (d *Dispatcher) blame(ctx context.Context, turns []*turn, starts *tally) {
	away := starts.failure(1) != nil && d.Control.Ping(ctx) != nil
	for _, t := range turns {
		for _, f := range t.faults {
			if !away && d.backlog.blame(f.eventID, models.ErrorCode(translate("", f.err)) != models.CodeUnavailable) {
				d.Logger.WarnContext(ctx, "an event cannot be started; others go first for a while", "event_id", f.eventID, "error", f.err)
			}
		}
	}
}

// startTurn starts the waiting events of a tenant until a start fails: a failure may take long, and others wait.
func (d *Dispatcher) startTurn(ctx context.Context, t *turn, begin func(eventID string, work func() error)) (busy bool) {
	stop := func() bool { return t.failed() || ctx.Err() != nil }
	for _, event := range t.overdue {
		if !stop() {
			begin(event.ID, func() error { return d.startAgain(ctx, event) })
		}
	}
	taken := 0
	for taken < len(t.waiting) && !stop() && d.backlog.take(t.lane, t.waiting[taken].ID) {
		next := d.prepare(t.waiting[taken])
		begin(next.EventID, func() error { return d.start(ctx, next) })
		taken++
	}
	if t.failing || t.failed() {
		return false
	}
	// A new event is started beside the last few, some of which are started at once anyway.
	if t.all && taken == len(t.waiting) && taken <= Starters {
		return !d.backlog.catchUp(t.lane, t.left) || taken > 0
	}
	return taken > 0
}

// startAgain starts an event whose workflow may be gone. It takes no room: it is counted already.
func (d *Dispatcher) startAgain(ctx context.Context, event *models.Event) error {
	first := d.backlog.restart(event.ID)
	err := d.start(ctx, d.prepare(event))
	if err == nil && first {
		d.Logger.WarnContext(ctx, "accepted, started, and still not planned: started once more", "event_id", event.ID)
	}
	return err
}
