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

// pace remembers which subscriptions answered their last attempt with success and within fastAnswer, and which have a
// request under way that is late. A first attempt at a fast subscription may run inside the workflow task, which needs
// fewer writes but holds a slot that the planning of all events needs too. It is a hint of this process only: forgetting
// it costs speed, nothing else. Safe for concurrent use.
type pace struct {
	seen *lru.Cache[string, struct{}]

	mu   sync.Mutex
	late map[string]int // requests that have been under way for longer than fastAnswer
}

func newPace() *pace {
	seen, _ := lru.New[string, struct{}](rememberedFast) // fails for sizes below 1 only
	return &pace{seen: seen, late: map[string]int{}}
}

func (p *pace) fast(subscriptionID string) bool {
	return !p.hangs(subscriptionID) && p.seen.Contains(subscriptionID)
}

// hangs reports whether a request to the subscription is late. It does not wait for the request's timeout: until then all
// further requests to the subscriber would hang too.
func (p *pace) hangs(subscriptionID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late[subscriptionID] > 0
}

// watch records that a request is under way, until over is called.
func (p *pace) watch(subscriptionID string) (over func()) {
	timer := time.AfterFunc(fastAnswer, func() { p.count(subscriptionID, 1) })
	return func() {
		if !timer.Stop() {
			p.count(subscriptionID, -1)
		}
	}
}

func (p *pace) count(subscriptionID string, late int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[subscriptionID] += late
	if p.late[subscriptionID] == 0 {
		delete(p.late, subscriptionID)
	}
}

func (p *pace) note(subscriptionID string, succeeded bool, took time.Duration) {
	if succeeded && took < fastAnswer {
		p.seen.Add(subscriptionID, struct{}{})
	} else {
		p.seen.Remove(subscriptionID)
	}
}
