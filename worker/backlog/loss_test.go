package backlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

const (
	simSeeds   = 60
	simLimit   = 60
	simTenants = 3
	simQueue   = 40
	simPage    = 10
	simSettled = 3 * time.Second
	simAsk     = 250 * time.Millisecond
)

// sim is a store, an engine and some processes, all of which may fail.
type sim struct {
	*rand.Rand
	accepted    []*models.Event // and not planned, oldest first
	workflows   map[string]bool // of events, in the engine
	outstanding map[string]int  // deliveries by tenant
	away        bool            // the engine
	processes   []*process
	ids         int

	fails   bool // some starts, whatever the engine
	started func(*models.Event)
}

// process has a backlog, and a queue of admitted events.
type process struct {
	*Backlog
	queue   []*models.Event
	running []string // the tenants of the workflows that have not ended
}

// simSlots has the workflows of the first tenant take one event each, and those of the others several.
func simSlots(tenant string) int {
	return map[string]int{"tenant0": 0, "tenant1": 1, "tenant2": 2}[tenant]
}

func newSim(seed uint64) *sim {
	s := &sim{
		Rand:      rand.New(rand.NewPCG(seed, 0)),
		workflows: map[string]bool{}, outstanding: map[string]int{}, processes: make([]*process, 2),
		started: func(*models.Event) {},
	}
	s.kill(0)
	s.kill(1)
	return s
}

// kill starts a process anew: what it knew is gone.
func (s *sim) kill(p int) { s.processes[p] = &process{Backlog: New(simLimit, simSlots)} }

// accept stores an event, and wakes the process unless it dies before that.
func (s *sim) accept(p *process, dies bool) {
	s.ids++
	e := event(fmt.Sprint("tenant", s.IntN(simTenants)), fmt.Sprintf("%06d", s.ids))
	s.accepted = append(s.accepted, e)
	if dies || !p.Admit(e) {
		return
	}
	if len(p.queue) == simQueue {
		p.PutBack(e)
		p.Release(e.Tenant)
		return
	}
	p.queue = append(p.queue, e)
}

// start starts a workflow for events of a tenant, and reports whether that worked.
func (s *sim) start(p *process, events ...*models.Event) bool {
	for _, e := range events {
		switch {
		case s.away, s.fails && s.IntN(50) == 0:
			p.PutBack(e)
		case s.fails && s.IntN(200) == 0:
			p.Refuse(e.ID)
		default:
			s.started(e)
			s.workflows[e.ID] = true
		}
	}
	if started := s.workflows[events[0].ID]; !started {
		p.Release(events[0].Tenant)
		return false
	}
	p.running = append(p.running, events[0].Tenant)
	return true
}

// end ends some of the process's workflows.
func (p *process) end(most int) {
	for _, tenant := range p.running[:min(most, len(p.running))] {
		p.Release(tenant)
	}
	p.running = p.running[min(most, len(p.running)):]
}

func (s *sim) dequeue(p *process) {
	if len(p.queue) == 0 {
		return
	}
	e := p.queue[0]
	p.queue = p.queue[1:]
	if p.Dequeue(e) {
		s.start(p, e)
	}
}

func (s *sim) sweep(p *process) {
	for _, e := range s.accepted {
		if time.Since(e.CreatedAt) >= simSettled {
			p.MarkBehind(e.Tenant)
		}
	}
}

func (s *sim) round(p *process) {
	for _, tenant := range p.Behind() {
		turn := p.Turn(tenant)
		if turn == nil {
			continue
		}
		s.read(turn)
		if n := s.outstanding[tenant]; turn.Due() {
			turn.Count(models.Outstanding{Deliveries: n, Events: n}, time.Now().Add(simAsk))
		}
		for events := turn.Take(); len(events) > 0; events = turn.Take() {
			if s.start(p, events...) {
				continue
			}
			turn.Fail()
			if !s.away {
				p.Blame(events[0].ID, false)
			}
		}
		turn.End()
	}
}

func (s *sim) read(turn *Turn) {
	before, after := turn.Before(time.Now().Add(-simSettled)), ""
	for turn.Wants() {
		var page []*models.Event
		for _, e := range s.accepted {
			if e.Tenant == turn.Tenant() && e.ID > after && e.CreatedAt.Before(before) && len(page) < simPage {
				page, after = append(page, e), e.ID
			}
		}
		turn.Add(page, len(page) < simPage)
	}
}

// plan plans some of the events whose workflow has started.
func (s *sim) plan(most int) {
	s.accepted = slices.DeleteFunc(s.accepted, func(e *models.Event) bool {
		if most == 0 || !s.workflows[e.ID] {
			return false
		}
		most--
		s.outstanding[e.Tenant]++
		return true
	})
}

// attempt makes some of the outstanding attempts.
func (s *sim) attempt(most int) {
	for tenant, n := range s.outstanding {
		s.outstanding[tenant] = max(n-most, 0)
	}
}

func (s *sim) pass(most time.Duration) { <-time.After(time.Duration(s.Int64N(int64(most)))) }

// anything does one step, or lets something go wrong.
func (s *sim) anything() {
	p := s.processes[s.IntN(len(s.processes))]
	switch s.IntN(16) {
	case 0, 1, 2, 3:
		s.acceptSome(p)
	case 4, 5:
		s.dequeue(p)
	case 6, 7, 8:
		s.round(p)
	case 9:
		s.sweep(p)
	case 10:
		s.plan(s.IntN(40))
	case 11:
		s.attempt(s.IntN(40))
		p.end(s.IntN(4))
	case 12:
		s.pass(20 * time.Second)
	case 13:
		s.away = !s.away
	case 14:
		if s.IntN(8) == 0 {
			s.accept(p, true)
			s.kill(s.IntN(len(s.processes)))
		}
	case 15:
		if s.IntN(20) == 0 {
			clear(s.workflows) // the engine's data are lost
		}
	}
}

func (s *sim) acceptSome(p *process) {
	for range s.IntN(30) {
		s.accept(p, false)
	}
}

// recover has all be well again for some minutes.
func (s *sim) recover() {
	s.away, s.fails = false, false
	for range 2000 {
		s.pass(simAsk)
		for _, p := range s.processes {
			s.dequeue(p)
			s.sweep(p)
			s.round(p)
			p.end(4)
		}
		s.plan(20)
		s.attempt(20)
	}
}

// inEngine counts the deliveries of a tenant whose first attempt is outstanding, with those that are not planned yet.
func (s *sim) inEngine(tenant string) int {
	count := s.outstanding[tenant]
	for _, e := range s.accepted {
		if e.Tenant == tenant && s.workflows[e.ID] {
			count++
		}
	}
	return count
}

// TestNothingIsLost has processes die, starts fail, workers be slow, and the engine go away and lose its data, in any
// order. When all is well again, every accepted event is planned.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(simSeeds) {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(seed)
			s.fails = true
			for range 300 {
				s.anything()
			}
			s.recover()
			require.Empty(t, s.accepted, "seed %d: never planned", seed)
		})
	}
}

// TestOldestFirstAndNoMoreThanTheLimit has one process, whose starts all succeed.
func TestOldestFirstAndNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(*sim){
		"workers away":  func(s *sim) { s.pass(10 * time.Second) }, // many events are overdue
		"workers there": func(s *sim) { s.plan(s.IntN(40)); s.attempt(s.IntN(40)); s.pass(100 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(simSeeds) {
				synctest.Test(t, func(t *testing.T) { oldestFirst(t, newSim(seed), work) })
			}
		})
	}
}

func oldestFirst(t *testing.T, s *sim, work func(*sim)) {
	t.Helper()
	last := map[string]string{}
	s.started = func(e *models.Event) {
		if s.workflows[e.ID] {
			return // once more
		}
		require.Greater(t, e.ID, last[e.Tenant])
		require.Less(t, s.inEngine(e.Tenant), simLimit)
		last[e.Tenant] = e.ID
	}
	p := s.processes[0]
	for range 100 {
		s.acceptSome(p)
		for len(p.queue) > 0 {
			s.dequeue(p)
		}
		s.round(p)
		p.end(s.IntN(4))
		work(s)
		s.sweep(p)
	}
	require.NotEmpty(t, last)
}
