package backlog

import (
	"time"

	"github.com/posthaste/posthaste/models"
)

const (
	enough = 32 // events that wait are enough for a turn, if each has a workflow of its own
	few    = 8  // events at most may be starting while the tenant catches up: newer events start beside them
)

// Turn is one turn of a tenant that is behind, in this order: read the accepted events from the oldest ([Turn.Wants],
// [Turn.Add]), count what is in the engine ([Turn.Due], [Turn.Count]), start events ([Turn.Take], [Turn.Fail]), and end it ([Turn.End]).
// Only Fail is safe for concurrent use.
type Turn struct {
	backlog *Backlog
	tenant  *tenant
	due     bool
	slots   int       // the tenant's at the beginning of the turn
	left    time.Time // the tenant's at the beginning of the turn

	waiting  []*models.Event // to be started, oldest first
	started  int             // events started by this process and not planned
	overdue  int             // such events that were started twice
	complete bool            // all accepted events were read

	taken  int
	late   int
	more   bool
	failed bool // guarded by the backlog's lock
}

// Turn begins the turn of a tenant. It returns nil if the tenant is not behind any more, has no slot, or has no room and was
// counted a moment ago.
func (b *Backlog) Turn(tenant string) *Turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.behind[tenant]
	if t == nil {
		return nil
	}
	t.slots = b.slots(tenant)
	due := !time.Now().Before(t.askAt)
	if t.estimate >= b.limit && !due || t.full() {
		return nil
	}
	return &Turn{backlog: b, tenant: t, due: due, slots: t.slots, left: t.left}
}

// Tenant returns the name of the tenant.
func (t *Turn) Tenant() string { return t.tenant.name }

// Before returns the time before which an event was accepted that belongs to the turn: the given one, or a later one if
// this process has left an event since. Newer events of other processes are being started by them.
func (t *Turn) Before(settled time.Time) time.Time {
	if ours := t.left.Add(time.Millisecond); ours.After(settled) {
		return ours
	}
	return settled
}

// Wants reports whether the turn should read further events.
func (t *Turn) Wants() bool {
	return !t.complete && len(t.waiting) < t.enough() && t.started+t.overdue < t.backlog.limit
}

func (t *Turn) enough() int {
	if t.slots > 0 {
		return models.MaxGroup
	}
	return enough
}

// Add takes the next accepted events of the tenant, oldest first; complete says that no more follow.
func (t *Turn) Add(events []*models.Event, complete bool) {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	for _, event := range events {
		switch t.backlog.marks.state(event.ID) {
		case waiting:
			t.waiting = append(t.waiting, event)
		case started:
			t.started++
		case overdue:
			t.overdue++
		case refused:
		}
	}
	t.complete = complete
	t.tenant.estimate = max(t.tenant.estimate, t.tenant.counted+t.unplanned())
}

// unplanned estimates the deliveries of the started events. An overdue event counts for one only, so that a few events
// that can never be planned leave room.
func (t *Turn) unplanned() int { return t.started*t.tenant.width + t.overdue }

// Due reports whether the store may be asked for the count.
func (t *Turn) Due() bool { return t.due }

// Count replaces the estimate by the store's count, and by the started events that it does not contain yet. Ask the store
// after the events were read: then an event that is planned in between counts twice for a while, rather than never.
func (t *Turn) Count(is models.Outstanding, askAt time.Time) {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	switch {
	case is.Events > 0:
		t.tenant.width = (is.Deliveries + is.Events - 1) / is.Events
	case t.started == 0: // so nobody knows, and one wide event must not slow down narrow ones for good
		t.tenant.width = (t.tenant.width + 1) / 2
	}
	t.tenant.counted, t.tenant.askAt = is.Deliveries, askAt
	t.tenant.estimate = t.tenant.counted + t.unplanned()
}

// Take returns the events that one workflow is to start with, oldest first, and counts them: one, or the events that wait if
// the tenant's workflows have slots. It returns none when no event is left, there is no more room or no slot, or a start of
// the turn has failed: a failure may take long, and other tenants wait.
func (t *Turn) Take() []*models.Event {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	if t.failed || t.tenant.full() {
		return nil
	}
	most := 1
	if t.slots > 0 {
		most = models.MaxGroup
	}
	var events []*models.Event
	for len(events) < most && t.taken < len(t.waiting) && t.tenant.estimate < t.backlog.limit {
		events = append(events, t.take())
	}
	if len(events) > 0 {
		t.tenant.busy++
	}
	return events
}

func (t *Turn) take() *models.Event {
	event := t.waiting[t.taken]
	t.taken++
	t.tenant.estimate += t.tenant.width
	if t.backlog.marks.start(event.ID) {
		t.late++
	}
	return event
}

// Late is the number of events taken that were started a minute ago and not planned, and are now started for the second
// time.
func (t *Turn) Late() int { return t.late }

// End ends the taking. The tenant has caught up if all its events were read and taken, and no other one was left meanwhile.
func (t *Turn) End() {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	t.more = t.taken > 0
	if !t.complete || t.taken < len(t.waiting) || t.taken > few {
		return
	}
	if !t.tenant.left.Equal(t.left) {
		t.more = true
	} else if t.backlog.isBehind(t.tenant) { // it may have been evicted
		t.backlog.catchUp(t.tenant)
	}
}

// More reports whether another turn at once may start more events.
func (t *Turn) More() bool {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	return t.more && !t.failed
}

// Fail says that the start of an event failed which the turn has given out. The tenant comes last from now on.
func (t *Turn) Fail() {
	t.backlog.mu.Lock()
	defer t.backlog.mu.Unlock()
	t.failed = true
	t.backlog.moveLast(t.tenant)
}
