package activities

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	fastAnswer     = time.Second
	rememberedFast = 100_000 // subscriptions
)

// pace remembers which subscriptions answered their last attempt with success and within fastAnswer. Their next first
// attempt may run inside the workflow task, which takes fewer writes but would hold a slot if they were slow. It is a
// hint of this process only: forgetting it costs speed, nothing else. Safe for concurrent use.
type pace struct{ seen *lru.Cache[string, struct{}] }

func newPace() *pace {
	seen, _ := lru.New[string, struct{}](rememberedFast) // fails for sizes below 1 only
	return &pace{seen: seen}
}

func (p *pace) fast(subscriptionID string) bool { return p.seen.Contains(subscriptionID) }

func (p *pace) note(subscriptionID string, succeeded bool, took time.Duration) {
	if succeeded && took < fastAnswer {
		p.seen.Add(subscriptionID, struct{}{})
	} else {
		p.seen.Remove(subscriptionID)
	}
}
