package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/posthaste/posthaste/models"
)

const (
	// startedMemory is how long an event that this process started is not started again: the plan may take a while when
	// all workers are busy or away. The event is remembered for twice as long, so that the second start is known as one.
	startedMemory = time.Minute
	startedSize   = 100_000

	maxLanes  = 10_000
	maxBehind = maxLanes / 2 // beyond this, a tenant without room is evicted, or the newcomer waits for a later sweep

	// unasked is how many events of a tenant are started before the store is asked for the first time: until then nobody
	// knows how many an earlier process started, nor how many subscribers an event has.
	unasked = 50
	// askEvery is how often the store is asked about a tenant that is behind, askAtLeast how often when it is slow.
	askEvery   = 250 * time.Millisecond
	askAtLeast = 5 * time.Second
)

// stage is how far this process has come with an event.
type stage int

const (
	waiting stage = iota // in the store, and in no queue of this process
	queued               // waits to be started at once; should its tenant fall behind, it may have its turn instead
	begun                // started, or about to be
	overdue              // started a while ago, and still not planned: to be started once more
	again                // started once more
	refused              // by Temporal, or cannot be started for whatever reason
)

// maxFaults is how many starts of an event may fail, for a reason that may pass, before it is taken for the event's own.
const maxFaults = 3

type step struct {
	is     stage
	at     time.Time
	faults int // starts that failed
}

// backlog knows which tenants have events waiting in the store, and how many deliveries of each are probably in the
// engine and have not been attempted yet. It does no I/O. Safe for concurrent use.
type backlog struct {
	ahead  int
	stages *expirable.LRU[string, step] // by event id
	fell   chan struct{}                // tells that a tenant has fallen behind

	mu       sync.Mutex // guards the lanes, and decisions that depend on a stage
	lanes    *simplelru.LRU[string, *lane]
	behind   []*lane          // have their turn in this order
	byTenant map[string]*lane // those behind, by tenant: they are never pushed out
}

// lane holds the state of one tenant.
type lane struct {
	tenant   string
	estimate int       // deliveries in the engine whose first attempt is outstanding; only the store's answer lowers it
	width    int       // deliveries of an event
	askAt    time.Time // when the store may be asked for the estimate again
	left     time.Time // latest time of an event of the tenant that was left waiting
	failing  bool      // a start at its last turn failed
	last     string    // the last event that had its turn; empty also when an older one may wait again
}

// look is a copy of a lane's state, taken when the tenant may have its turn.
type look struct {
	failing bool      // the lane's
	room    bool      // for further events
	due     bool      // the estimate may be corrected
	after   string    // the event after which to begin: the last that had its turn, or none when the estimate is corrected
	left    time.Time // the lane's
}

func newBacklog(ahead int) *backlog {
	lanes, _ := simplelru.NewLRU[string, *lane](maxLanes, nil) // fails for a size below 1 only
	return &backlog{
		ahead: ahead, lanes: lanes, byTenant: map[string]*lane{}, fell: make(chan struct{}, 1),
		stages: expirable.NewLRU[string, step](startedSize, nil, 2*startedMemory),
	}
}

// admit reports whether an event may be queued to be started at once, and counts it if so. Otherwise its tenant is
// behind: the event has its turn after the older ones.
func (b *backlog) admit(s start) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lane(s.Tenant)
	if b.isBehind(l) || !b.count(l, s.EventID, queued) {
		b.leave(l, s.accepted)
		return false
	}
	return true
}

// claim reports whether a queued event is still to be started at once. If its tenant has fallen behind meanwhile it is
// not: older ones come first, and other tenants need not wait for all that is queued.
func (b *backlog) claim(s start) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if is := b.stage(s.EventID); is != waiting && is != queued { // it had its turn
		return false
	}
	if l := b.lane(s.Tenant); b.isBehind(l) {
		b.stages.Remove(s.EventID)
		b.leave(l, s.accepted)
		return false
	}
	b.reach(s.EventID, begun)
	return true
}

// take counts an event of a tenant that is behind and has its turn, if there is room for it.
func (b *backlog) take(l *lane, id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.count(l, id, begun) {
		return false
	}
	l.last = id
	return true
}

func (b *backlog) count(l *lane, id string, is stage) bool {
	if l.estimate >= b.ahead {
		return false
	}
	l.estimate += l.width
	b.reach(id, is)
	return true
}

// putBack says that an event was not started after all. Its tenant is behind now.
func (b *backlog) putBack(s start) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reach(s.EventID, waiting)
	l := b.lane(s.Tenant)
	l.last = ""
	b.leave(l, s.accepted)
}

// refuse says that an event cannot be started. It is not tried again for a while, and takes no room.
func (b *backlog) refuse(id string) { b.reach(id, refused) }

// blame says that the start of an event, which was put back, failed while Temporal was there. It reports whether the event
// is left alone for a while: at once when Temporal answered, after some failures when it did not.
func (b *backlog) blame(id string, answered bool) bool {
	s, _ := b.stages.Peek(id)
	if s.faults++; answered || s.faults >= maxFaults {
		b.refuse(id)
		return true
	}
	b.stages.Add(id, step{is: waiting, at: time.Now(), faults: s.faults})
	return false
}

// restart counts an overdue event as started once more, and reports whether that was the first time.
func (b *backlog) restart(id string) (first bool) {
	s, _ := b.stages.Peek(id)
	b.reach(id, again)
	return s.is != again
}

func (b *backlog) reach(id string, is stage) {
	s, _ := b.stages.Peek(id)
	b.stages.Add(id, step{is: is, at: time.Now(), faults: s.faults})
}

func (b *backlog) stage(id string) stage {
	s, _ := b.stages.Peek(id)
	switch {
	case time.Since(s.at) < startedMemory:
		return s.is
	case s.is == begun || s.is == again:
		return overdue
	default:
		return waiting
	}
}

// found says that the store has events of the tenant that nobody started. It reports whether there is a place for one
// more tenant that is behind.
func (b *backlog) found(tenant string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fall(b.lane(tenant))
}

// leave leaves an event to its turn. The time always rises, also when the clock was set back: by it the event is found,
// and one left meanwhile is told.
func (b *backlog) leave(l *lane, accepted time.Time) {
	now := time.Now().Round(0) // without the monotonic reading: the store compares with the clock's time
	l.left = slices.MaxFunc([]time.Time{now, accepted, l.left.Add(1)}, time.Time.Compare)
	b.fall(l)
}

func (b *backlog) fall(l *lane) bool {
	if b.isBehind(l) {
		return true
	}
	if len(b.behind) >= maxBehind && !b.giveWay() {
		return false
	}
	b.byTenant[l.tenant], b.behind = l, append(b.behind, l)
	select {
	case b.fell <- struct{}{}:
	default:
	}
	return true
}

// giveWay drops a tenant that could start nothing at its turn anyway. A sweep finds it again.
func (b *backlog) giveWay() bool {
	i := slices.IndexFunc(b.behind, func(l *lane) bool { return l.estimate >= b.ahead })
	if i < 0 {
		return false
	}
	b.rejoin(b.behind[i])
	b.behind = slices.Delete(b.behind, i, i+1)
	return true
}

// round returns the tenants that are behind.
func (b *backlog) round() []*lane {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.behind)
}

// catchUp says that nothing of the tenant waits. It reports false, and the tenant stays behind, if another event was
// left to its turn after the given time.
func (b *backlog) catchUp(l *lane, left time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isBehind(l) {
		return true // it gave way to another
	}
	if !l.left.Equal(left) {
		return false
	}
	b.behind = slices.DeleteFunc(b.behind, func(other *lane) bool { return other == l })
	b.rejoin(l)
	return true
}

// end records how the turn of a tenant ended. After a failed turn the tenant comes last.
func (b *backlog) end(l *lane, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l.failing = failed
	if i := slices.Index(b.behind, l); failed && i >= 0 {
		b.behind = append(slices.Delete(b.behind, i, i+1), l)
	}
}

// rejoin ends that a tenant is behind.
func (b *backlog) rejoin(l *lane) {
	delete(b.byTenant, l.tenant)
	b.lanes.Add(l.tenant, l)
}

func (b *backlog) isBehind(l *lane) bool { return b.byTenant[l.tenant] == l }

// correct replaces the estimate by the store's count and the number of events that were started but are not planned yet.
// An event that takes suspiciously long counts for one only, so that a few that can never be planned leave room.
func (b *backlog) correct(l *lane, is models.Outstanding, unplanned, late int, askAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case is.Events > 0:
		l.width = (is.Deliveries + is.Events - 1) / is.Events
	case unplanned == 0: // so nobody knows, and one wide event must not slow down narrow ones for good
		l.width = (l.width + 1) / 2
	}
	l.estimate, l.askAt = is.Deliveries+unplanned*l.width+late, askAt
}

func (b *backlog) look(l *lane) look {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := look{room: l.estimate < b.ahead, due: !time.Now().Before(l.askAt), left: l.left, failing: l.failing}
	if !now.due {
		now.after = l.last
	}
	return now
}

func (b *backlog) lane(tenant string) *lane {
	if l := b.byTenant[tenant]; l != nil {
		return l
	}
	if l, ok := b.lanes.Get(tenant); ok {
		return l
	}
	l := &lane{tenant: tenant, width: 1, estimate: max(b.ahead-unasked, 0)}
	b.lanes.Add(tenant, l)
	return l
}
