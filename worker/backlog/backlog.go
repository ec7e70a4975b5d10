package backlog

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/posthaste/posthaste/models"
)

const (
	maxTenants = 10_000
	maxBehind  = maxTenants / 2 // beyond this, a tenant without room is evicted, or the newcomer waits for a later sweep

	// unasked is how many events of a tenant are started before the store is asked for the first time: until then nobody
	// knows how many an earlier process started, nor how many subscribers an event has.
	unasked = 50
)

// Backlog knows which tenants are behind, and estimates how many deliveries of each tenant are in the engine whose first
// attempt is outstanding. Safe for concurrent use.
type Backlog struct {
	limit int
	slots func(tenant string) int
	fell  chan struct{}

	mu     sync.Mutex // guards the fields below, and the tenants
	marks  marks
	known  *simplelru.LRU[string, *tenant] // forgets the tenants that were not heard of for the longest time
	behind map[string]*tenant              // never forgets one
	places int                             // given in the order of turns so far
}

// tenant is the state of one tenant.
type tenant struct {
	name     string
	estimate int       // deliveries in the engine whose first attempt is outstanding; only the store's count lowers it
	counted  int       // of them, by the store's last count
	width    int       // deliveries of an event
	askAt    time.Time // when the store may be asked again for the count
	left     time.Time // latest time of an event that was left in the store
	place    int       // in the order of turns, while the tenant is behind
	slots    int       // workflows that may be under way; 0: any number
	busy     int       // of them
}

// full reports whether nothing of the tenant may be started until one of its workflows has ended.
func (t *tenant) full() bool { return t.slots > 0 && t.busy >= t.slots }

// New makes a Backlog with the limit of deliveries for each tenant. Slots returns the number of workflows of a tenant that
// may be under way at a time, each of which takes all the events that wait by then; 0: any number, each with one event. It
// is asked at each step, and may change its answer.
func New(limit int, slots func(tenant string) int) *Backlog {
	if slots == nil {
		slots = func(string) int { return 0 }
	}
	known, _ := simplelru.NewLRU[string, *tenant](maxTenants, nil) // fails for a size below 1 only
	return &Backlog{
		limit: limit, slots: slots, fell: make(chan struct{}, 1), marks: newMarks(), known: known, behind: map[string]*tenant{},
	}
}

// Admit reports whether an event that was just stored may be queued to be started at once, and counts it if so. Otherwise
// the event is left in the store, and its tenant is behind.
func (b *Backlog) Admit(event *models.Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenant(event.Tenant)
	if b.isBehind(t) || t.estimate >= b.limit || t.full() {
		b.leave(t, event)
		return false
	}
	t.estimate += t.width
	t.busy++
	return true
}

// Release says that a workflow of the tenant has ended, or was not started, for which [Backlog.Admit] or [Turn.Take] took
// a slot.
func (b *Backlog) Release(tenant string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release(b.tenant(tenant))
}

func (b *Backlog) release(t *tenant) {
	waits := t.full() && b.isBehind(t)
	t.busy = max(t.busy-1, 0) // the tenant may have been forgotten meanwhile
	if waits {
		b.tell()
	}
}

// Dequeue reports whether an event that was admitted is still to be started at once. If its tenant has fallen behind
// meanwhile, the event is left in the store: older ones come first, and other tenants need not wait for the whole queue.
// The slot of an event that is not to be started is free again.
func (b *Backlog) Dequeue(event *models.Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenant(event.Tenant)
	if b.marks.state(event.ID) != waiting { // it was started in a turn
		b.release(t)
		return false
	}
	if b.isBehind(t) {
		b.release(t)
		b.leave(t, event)
		return false
	}
	b.marks.start(event.ID)
	return true
}

// PutBack leaves an event in the store that was admitted or taken, and could not be queued or started. Its tenant is
// behind. Its slot stays taken until it is released.
func (b *Backlog) PutBack(event *models.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marks.release(event.ID)
	b.leave(b.tenant(event.Tenant), event)
}

// Refuse says that the engine refuses an event. It takes no room, and is tried again in a minute at the earliest.
func (b *Backlog) Refuse(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marks.refuse(id)
}

// Blame says that the start of an event failed while the engine was there, and reports whether the event is now refused:
// at once if the engine answered, otherwise after some failures.
func (b *Backlog) Blame(id string, answered bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.marks.blame(id) && !answered {
		return false
	}
	b.marks.refuse(id)
	return true
}

// MarkBehind says that the store has events of the tenant that nobody has started. It reports false if too many tenants
// are behind already.
func (b *Backlog) MarkBehind(tenant string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.markBehind(b.tenant(tenant))
}

// Behind returns the tenants that are behind now, in the order of their turns.
func (b *Backlog) Behind() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	tenants := slices.SortedFunc(maps.Values(b.behind), func(a, c *tenant) int { return cmp.Compare(a.place, c.place) })
	names := make([]string, len(tenants))
	for i, t := range tenants {
		names[i] = t.name
	}
	return names
}

// AnyBehind reports whether any tenant is behind.
func (b *Backlog) AnyBehind() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.behind) > 0
}

// Fell receives a value when a tenant has fallen behind, or has a slot again while it is behind, since the last one was
// received.
func (b *Backlog) Fell() <-chan struct{} { return b.fell }

// leave leaves an event in the store. The time always rises, also when the clock was set back: the turn reads the events up
// to it, and sees by it that another event was left meanwhile.
func (b *Backlog) leave(t *tenant, event *models.Event) {
	now := time.Now().Round(0) // without the monotonic reading: the store compares with the clock's time
	t.left = slices.MaxFunc([]time.Time{now, event.CreatedAt, t.left.Add(1)}, time.Time.Compare)
	b.markBehind(t)
}

func (b *Backlog) markBehind(t *tenant) bool {
	if b.isBehind(t) {
		return true
	}
	if len(b.behind) >= maxBehind && !b.evict() {
		return false
	}
	b.behind[t.name] = t
	b.moveLast(t)
	b.tell()
	return true
}

func (b *Backlog) tell() {
	select {
	case b.fell <- struct{}{}:
	default:
	}
}

// evict takes a tenant from those behind that could start nothing in its turn anyway. A sweep finds it again.
func (b *Backlog) evict() bool {
	for _, t := range b.behind {
		if t.estimate >= b.limit {
			b.catchUp(t)
			return true
		}
	}
	return false
}

func (b *Backlog) catchUp(t *tenant) {
	delete(b.behind, t.name)
	b.known.Add(t.name, t)
}

func (b *Backlog) moveLast(t *tenant) {
	b.places++
	t.place = b.places
}

func (b *Backlog) isBehind(t *tenant) bool { return b.behind[t.name] == t }

func (b *Backlog) tenant(name string) *tenant {
	t, ok := b.behind[name]
	if !ok {
		t, ok = b.known.Get(name)
	}
	if !ok {
		t = &tenant{name: name, width: 1, estimate: max(b.limit-unasked, 0)}
		b.known.Add(name, t)
	}
	t.slots = b.slots(name)
	return t
}
