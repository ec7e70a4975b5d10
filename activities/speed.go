package activities

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	fastAnswer     = time.Second
	rememberedFast = 100_000 // subscriptions
)

// speed remembers which subscriptions answered their last attempt with success and within fastAnswer, and which have a
// request under way that is late. A first attempt at a fast subscription may run inside the workflow task, which needs
// fewer writes but holds a slot that the planning of all events needs too. It is a hint of this process only: forgetting
// it costs speed, nothing else. Safe for concurrent use.
type speed struct {
	seen *lru.Cache[string, struct{}]

	mu   sync.Mutex
	late map[string]int // requests that have been under way for longer than fastAnswer
}

func newSpeed() *speed {
	seen, _ := lru.New[string, struct{}](rememberedFast) // fails for sizes below 1 only
	return &speed{seen: seen, late: map[string]int{}}
}

func (s *speed) fast(subscriptionID string) bool {
	return !s.hangs(subscriptionID) && s.seen.Contains(subscriptionID)
}

// hangs reports whether a request to the subscription is late. It does not wait for the request's timeout: until then all
// further requests to the subscriber would hang too.
func (s *speed) hangs(subscriptionID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late[subscriptionID] > 0
}

// watch records that a request is under way, until over is called.
func (s *speed) watch(subscriptionID string) (over func()) {
	timer := time.AfterFunc(fastAnswer, func() { s.count(subscriptionID, 1) })
	return func() {
		if !timer.Stop() {
			s.count(subscriptionID, -1)
		}
	}
}

func (s *speed) count(subscriptionID string, late int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late[subscriptionID] += late
	if s.late[subscriptionID] == 0 {
		delete(s.late, subscriptionID)
	}
}

func (s *speed) note(subscriptionID string, succeeded bool, took time.Duration) {
	if succeeded && took < fastAnswer {
		s.seen.Add(subscriptionID, struct{}{})
	} else {
		s.seen.Remove(subscriptionID)
	}
}
