package backlog

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// state is how far this process has come with an event that the store has as accepted.
type state int

const (
	waiting state = iota
	started       // less than a minute ago, or about to be
	overdue       // started once more, because a minute after the start it was not planned
	refused       // cannot be started
)

const (
	// startedFor is how long a start or a refusal is believed. A plan may take a while when all workers are busy or away;
	// starting the event a second time is harmless.
	startedFor = time.Minute
	// remembered is how long a mark is kept, so that a second start is known as one.
	remembered = 2 * startedFor
	maxMarks   = 100_000

	// maxFaults is how many starts of an event may fail, for a reason that may pass, before the event itself is blamed.
	maxFaults = 3
)

// mark is what this process remembers of an event. The zero mark is that of an event that waits.
type mark struct {
	state  state
	at     time.Time
	faults int // starts that failed
}

// marks holds the marks by event id, the latest ones. A mark that is lost makes its event wait again.
type marks struct{ lru *simplelru.LRU[string, mark] }

func newMarks() marks {
	lru, _ := simplelru.NewLRU[string, mark](maxMarks, nil) // fails for a size below 1 only
	return marks{lru}
}

func (m marks) state(id string) state {
	now, _ := m.lru.Peek(id)
	if time.Since(now.at) >= startedFor {
		return waiting
	}
	return now.state
}

// start marks an event that waits as started. It reports whether the event has just become overdue.
func (m marks) start(id string) (late bool) {
	was, _ := m.lru.Peek(id)
	if was.state == started || was.state == overdue {
		m.set(id, overdue, was.faults)
		return was.state == started
	}
	m.set(id, started, was.faults)
	return false
}

// release makes an event wait again whose start failed.
func (m marks) release(id string) {
	if was, ok := m.lru.Peek(id); ok {
		m.set(id, waiting, was.faults)
	}
}

// blame counts a failed start, and reports whether there are too many of them.
func (m marks) blame(id string) bool {
	was, _ := m.lru.Peek(id)
	m.set(id, was.state, was.faults+1)
	return was.faults+1 >= maxFaults
}

func (m marks) refuse(id string) {
	was, _ := m.lru.Peek(id)
	m.set(id, refused, was.faults)
}

func (m marks) set(id string, is state, faults int) {
	m.lru.Add(id, mark{state: is, at: time.Now(), faults: faults})
	for {
		_, oldest, _ := m.lru.GetOldest()
		if time.Since(oldest.at) < remembered {
			return
		}
		m.lru.RemoveOldest()
	}
}
